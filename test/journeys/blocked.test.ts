import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { SessionStatus } from "../../client/core/reading/state.ts";
import { connect } from "../../client/index.ts";
import type { Running } from "../networks/rig/network.ts";
import { openProxy } from "../networks/rig/proxy.ts";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { openOldSite } from "../support/old-browser.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

// As with an extension that blocks requests by a list of paths: they fail at once, without an
// answer.

const browser = useBrowser();
const site = useSite();
let filtered: Running;

beforeAll(async () => {
  filtered = await openProxy(site.url, async (asked, pass) => {
    if (/^\/api\/(events|stream|poll|frame)\b/.test(asked.path)) throw new Error("blocked");
    return pass(asked);
  });
});

afterAll(() => filtered.close());

const SENTENCES = [
  ["en-US", "Something in this browser or network blocks /api/poll"],
  ["ja-JP", "/api/poll をブロック"],
] as const;

browserTest.each([...SENTENCES])(
  "messages arrive where a filter blocks streams and polls (%s)",
  async (locale, words) => {
    const { page, sees, say: write } = await browser.sit(filtered.url, `Filtered ${locale}`, { locale });
    const ben = await person(site.url, `Ben ${locale}`);
    await page.waitForSelector(`#connection:has-text("${words}")`);
    await say(site.url, ben, `from outside ${locale}`);
    await sees(`from outside ${locale}`);
    await write(`from within ${locale}`);
    await sees(`from within ${locale}`);
    expect(["live", "slow"]).toContain(await page.getAttribute("#connection", "data-state"));
    await page.context().close();
  },
  60_000,
);

browserTest(
  "messages arrive on the old browsers' page where a filter blocks streams and polls",
  async () => {
    const old = await openOldSite(filtered.url);
    const page = await (await browser.newContext({ locale: "en-US" })).newPage();
    await page.goto(`${old.url}/rooms/lobby`);
    await page.waitForSelector('#connection:has-text("blocks /api/poll")');
    const ben = await person(site.url, "Ben and the old page");
    await say(site.url, ben, "for the old page");
    await page.waitForSelector('#log [data-seq]:has-text("for the old page")');
    await page.context().close();
    await old.close();
  },
  60_000,
);

test("messages arrive in the npm client, which says that something is blocked", async () => {
  const room = connect(filtered.url, { room: "lobby", nickname: "Filtered client" });
  const texts: (string | undefined)[] = [];
  let status: SessionStatus | undefined;
  room.on("event", ({ text }) => texts.push(text));
  room.on("state", (state) => {
    status = state;
  });
  await room.ready;
  const ben = await person(site.url, "Ben and the client");
  await say(site.url, ben, "for the client");
  await until("the message arrives", () => texts.includes("for the client"));
  await until("it says that something is blocked", () => status?.blocked === true);
  room.close();
});
