import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect } from "../../client/index.ts";
import { openNode, person, say, type TestNode } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { pollsOf } from "../support/raw-connection.ts";
import { refuseStreamsOf } from "../support/refuse-streams.ts";
import { isPollHead, openTap, type Tap } from "../support/tap.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

/** The limit for the head of a poll's answer. */
const BYTES_MAX = 330;

const browser = useBrowser();
const site = useSite();
let listing: TestNode;

beforeAll(async () => {
  listing = await openNode(site.databaseUrl, { origins: ["https://friend.example"] });
  for (const node of [plain(), listing]) refuseStreamsOf(node);
}, 30_000);

afterAll(() => listing.close());

const plain = () => site.node;

const NODES: [string, () => TestNode][] = [
  ["", plain],
  [", where an origin is listed", () => listing],
];

/** Sends messages until each path has answered two polls. Returns the lengths of the heads. */
async function lengths(tap: Tap, node: TestNode, nickname: string): Promise<number[]> {
  const speaker = await person(node.url, nickname);
  const before = await pollsOf(node);
  let answered = -1;
  return until("each path has answered two polls", async () => {
    const heads = tap.heads().filter(isPollHead);
    if (heads.length > answered) await say(node.url, speaker, "a message");
    answered = heads.length;
    const { whole, kept } = await pollsOf(node);
    const isEnough = whole >= before.whole + 2 && kept >= before.kept + 2 && answered >= 4;
    return isEnough ? heads.map((head) => head.length) : undefined;
  });
}

browserTest.each(NODES)("the page's polls are answered with a short head%s", async (where, node) => {
  const tap = await openTap(node().url);
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${tap.url}/rooms/lobby`);
  const bytes = await lengths(tap, node(), `Page${where.length}`);
  await page.context().close();
  tap.close();
  expect(Math.max(...bytes)).toBeLessThanOrEqual(BYTES_MAX);
});

test.each(NODES)("the npm client's polls are answered with a short head%s", async (where, node) => {
  const tap = await openTap(node().url);
  const room = connect(tap.url, { room: "lobby", nickname: `Client${where.length}` });
  const bytes = await lengths(tap, node(), `Other${where.length}`);
  room.close();
  tap.close();
  expect(Math.max(...bytes)).toBeLessThanOrEqual(BYTES_MAX);
});
