import { expect } from "@jest/globals";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { pollsOf } from "../support/raw-connection.ts";
import { refuseStreamsOf } from "../support/refuse-streams.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

browserTest(
  "where streams are refused, the page's polls take the fast path, even on connections that carry its messages",
  async () => {
    const { node } = site;
    refuseStreamsOf(node);
    const ann = await browser.sit(node.url, "Ann");
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
