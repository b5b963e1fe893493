import { Transform } from "node:stream";
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { Running } from "../networks/rig/network.ts";
import { type Misbehaviour, openProxy, ownAnswer } from "../networks/rig/proxy.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();
let network: Running;
let isRenewed = false;
let onlyPolls = false;

/** Lets the site look as if a newer version of it had been deployed. */
const renew: Misbehaviour = async (asked, pass) => {
  if (onlyPolls && /\/api\/(events|stream)/.test(asked.path)) return ownAnswer(403, "No streams");
  const answer = await pass(asked);
  if (!isRenewed || !/event-stream|octet-stream|json/.test(String(answer.headers["content-type"]))) return answer;
  const renewed = new Transform({
    transform: (piece, _encoding, done) => done(null, String(piece).replace('"protocol":2', '"protocol":3')),
  });
  return { ...answer, body: answer.body.pipe(renewed) };
};

beforeAll(async () => {
  network = await openProxy(site.url, renew);
});

afterAll(() => network.close());

describe("a page that is older than its site", () => {
  browserTest(
    "asks for a reload where only polls pass",
    async () => {
      isRenewed = false;
      onlyPolls = true;
      const { page } = await browser.sit(network.url, "Polling");
      await page.waitForSelector('#connection[data-state="live"][data-transport="poll"]');
      expect(await page.locator("#renewed").count()).toBe(0);
      isRenewed = true;
      await page.reload();
      await page.waitForSelector("#renewed");
      isRenewed = false;
      onlyPolls = false;
      await page.context().close();
    },
    60_000,
  );

  browserTest(
    "asks for a reload once, when nothing that was written could be lost",
    async () => {
      isRenewed = true;
      const { page, say, sees } = await browser.sit(network.url, "Older");
      await page.waitForSelector("#renewed");
      expect(await page.textContent("#renewed")).toContain("Please reload this page");
      await say("still talking");
      await sees("still talking");
      expect(await page.locator("#renewed").count()).toBe(1);
      isRenewed = false;
      await page.click("#renewed button");
      await page.waitForSelector("#renewed", { state: "detached" });
      await page.waitForSelector('#connection[data-state="live"]');
      await page.context().close();
    },
    90_000,
  );

  browserTest(
    "waits until the text in the field is sent",
    async () => {
      isRenewed = false;
      const { page, say } = await browser.sit(network.url, "Writing");
      await page.fill("#say [name=text]", "half written");
      isRenewed = true;
      await page.reload();
      await page.waitForSelector('#connection[data-state="live"][data-transport="sse"]');
      expect(await page.inputValue("#say [name=text]")).toBe("half written");
      expect(await page.locator("#renewed").count()).toBe(0);
      await say("whole");
      await page.waitForSelector("#renewed");
      isRenewed = false;
      await page.context().close();
    },
    90_000,
  );
});
