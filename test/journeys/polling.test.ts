import { afterAll, beforeAll, expect } from "@jest/globals";
import type { Browser } from "playwright-core";
import { openSite, person, say, type TestNode, type TestSite } from "../support/app.ts";
import { browserTest, openBrowser, sit } from "../support/browser.ts";
import { pollsOf } from "../support/raw-connection.ts";
import { refuseStreamsOf } from "../support/refuse-streams.ts";
import { until } from "../support/until.ts";

let site: TestSite;
let node: TestNode;
let browser: Browser;

beforeAll(async () => {
  site = await openSite();
  node = site.nodes[0] as TestNode;
  refuseStreamsOf(node);
  browser = (await openBrowser()) as Browser;
}, 30_000);

afterAll(async () => {
  await browser?.close();
  await site.close();
});

browserTest(
  "where no stream passes, the page's polls take the fast path, also on connections that carry its messages",
  async () => {
    const ann = await sit(browser, node.url, "Ann");
    const bob = await person(node.url, "Bob");
    await ann.is("live");
    const before = await pollsOf(node);
    for (let n = 0; (await pollsOf(node)).kept < before.kept + 4; n += 1) {
      expect(n).toBeLessThan(20);
      await until("the page polls", () => node.app.site.hub.readers.size > 0);
      await say(node.url, bob, `from Bob ${n}`);
      await ann.sees(`from Bob ${n}`);
      await ann.say(`from Ann ${n}`);
      await ann.sees(`from Ann ${n}`);
    }
    const { whole, kept } = await pollsOf(node);
    expect(kept - before.kept).toBeGreaterThan(whole - before.whole);
  },
  40_000,
);
