import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { connect } from "../../client/index.ts";
import { openNode, openSite, person, say, type TestNode, type TestSite } from "../support/app.ts";
import { browserTest, openBrowser } from "../support/browser.ts";
import { pollsOf } from "../support/raw-connection.ts";
import { refuseStreamsOf } from "../support/refuse-streams.ts";
import { isPollHead, openTap, type Tap } from "../support/tap.ts";
import { until } from "../support/until.ts";

/** What the head of a poll's answer may have. */
const BYTES_MAX = 330;

let site: TestSite;
let listing: TestNode;
let browser: Browser | undefined;

beforeAll(async () => {
  site = await openSite();
  listing = await openNode(site.databaseUrl, { origins: ["https://friend.example"] });
  for (const node of [plain(), listing]) refuseStreamsOf(node);
  browser = await openBrowser();
}, 30_000);

afterAll(async () => {
  await browser?.close();
  await listing.close();
  await site.close();
});

const plain = () => site.nodes[0] as TestNode;

const NODES: [string, () => TestNode][] = [
  ["", plain],
  [", where an origin is listed", () => listing],
];

/** Says something whenever polls were answered, until each road has answered two; gives the lengths of their heads. */
async function lengths(tap: Tap, node: TestNode, nickname: string): Promise<number[]> {
  const speaker = await person(node.url, nickname);
  const before = await pollsOf(node);
  let answered = -1;
  return until("each road has answered two polls", async () => {
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
  const page = await (await (browser as Browser).newContext()).newPage();
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
