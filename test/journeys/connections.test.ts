import { afterEach, beforeEach, describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { countInUse, type InUse } from "../networks/rig/in-use.ts";
import type { Running } from "../networks/rig/network.ts";
import { type Misbehaviour, openProxy } from "../networks/rig/proxy.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();
let count: InUse;
let network: Running;
/** Which requests the network does not answer for now, and those that wait there. */
let isHeld: (path: string) => boolean;
let held: string[];

const hold: Misbehaviour = async (asked, pass) => {
  if (!isHeld(asked.path)) return pass(asked);
  held.push(asked.path);
  return new Promise(() => {});
};

beforeEach(async () => {
  count = countInUse();
  isHeld = () => false;
  held = [];
  network = await openProxy(site.url, count.misbehave, hold);
});
afterEach(() => network.close());

const isStreaming = (page: Page) => page.waitForSelector('#connection[data-transport="sse"]');

describe("a page has at most two connections in use", () => {
  browserTest("when a message is sent in the instant of its first key", async () => {
    const ann = await browser.sit(network.url, "Quick");
    await isStreaming(ann.page);
    isHeld = (path) => path.includes("/typing");
    count.forget();
    await ann.page.evaluate(() => {
      const field = document.querySelector("#say [name=text]") as HTMLTextAreaElement;
      field.value = "at once";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      (field.form as HTMLFormElement).requestSubmit();
    });
    await ann.sees("at once");
    expect([held, count.most().length]).toEqual([[], 2]);
    await ann.page.context().close();
  });

  browserTest("together with a second tab that opens another room", async () => {
    await request(site.url).post("/api/rooms").send({ slug: "other" });
    const page = await browser.newPage({ locale: "en-US" });
    await page.goto(`${network.url}/rooms/lobby`);
    await isStreaming(page);
    await until("it reads by one stream", () => count.now().length === 1);
    count.forget();
    const second = await page.context().newPage();
    await second.goto(`${network.url}/rooms/other`);
    await isStreaming(second);
    await until("one stream reads both rooms", () => {
      const [stream = "", ...others] = count.now();
      return others.length === 0 && stream.includes("room=lobby;room=other");
    });
    expect(count.most().length).toBe(2);
    await page.context().close();
  });
});
