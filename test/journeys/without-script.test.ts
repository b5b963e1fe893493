import { get } from "node:http";
import { beforeAll, describe, expect } from "@jest/globals";
import type { FrameLocator, Page } from "playwright-core";
import { holdWhole, onePieceLate } from "../networks/rig/hold.ts";
import { openProxy } from "../networks/rig/proxy.ts";
import { person, say, type TestPerson } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();
let bob: TestPerson;

beforeAll(async () => {
  bob = await person(site.url, "Bob");
  await say(site.url, bob, "I was here before");
});

describe("Chromium without script", () => {
  browserTest("a room updates itself in its frame, next to a form that keeps its draft", async () => {
    const page = await enter(site.url, "Framed");
    const { log } = inFrame(page);
    await log("I was here before");
    await page.fill("#say [name=text]", "not sent yet");
    for (const text of ["one", "two", "three"]) {
      await say(site.url, bob, text);
      await log(text);
    }
    expect(await page.inputValue("#say [name=text]")).toBe("not sent yet");
    await page.click("#say button");
    await log("not sent yet");
    expect(isContiguous(await seqs(page.frameLocator("iframe")))).toBe(true);
    await page.context().close();
  });

  browserTest(
    "a live page grows without being fetched again, even after its trial, and accepts a message",
    async () => {
      const page = await enter(site.url, "Growing");
      const fetched = countPages(page);
      await page.goto(`${site.url}/rooms/lobby/live`, { waitUntil: "commit" });
      await page.fill("#say [name=text]", "a draft");
      for (const text of ["growing one", "growing two"]) {
        await say(site.url, bob, text);
        await page.locator("#log .text").getByText(text, { exact: true }).waitFor();
      }
      // A page that does not fetch its sign ends after the trial. This one began earlier and
      // continues.
      await untilATrialEnds();
      await say(site.url, bob, "growing three");
      await page.locator("#log .text").getByText("growing three", { exact: true }).waitFor();
      expect([fetched(), await page.inputValue("#say [name=text]")]).toEqual([1, "a draft"]);
      await page.press("#say [name=text]", "Enter");
      await page.locator("#log .text").getByText("a draft", { exact: true }).waitFor();
      expect(await page.locator("#log .text").getByText("a draft", { exact: true }).count()).toBe(1);
      expect(isContiguous(await seqs(page))).toBe(true);
      await page.context().close();
    },
    40_000,
  );

  browserTest.each([
    ["holds every page until it is whole", holdWhole],
    ["hands each piece on with the next", onePieceLate],
  ])(
    "on a network that %s the frame is refreshed from its cursor, and nothing is lost or doubled",
    async (_, hold) => {
      const proxy = await openProxy(site.url, hold);
      const page = await enter(proxy.url, `Held${hold.name}`);
      const { frame, log } = inFrame(page);
      await page.fill("#say [name=text]", "a draft on a slow network");
      const shown = new Set<number>();
      for (const text of ["held one", "held two"]) {
        await say(site.url, bob, `${text} ${hold.name}`);
        await log(`${text} ${hold.name}`);
        const now = await seqs(frame);
        expect(isContiguous(now)).toBe(true);
        for (const seq of now) shown.add(seq);
      }
      expect(isContiguous([...shown])).toBe(true);
      expect(await page.inputValue("#say [name=text]")).toBe("a draft on a slow network");
      await page.context().close();
      await proxy.close();
    },
    60_000,
  );

  browserTest(
    "a page that refreshes shows new messages at its foot",
    async () => {
      const page = await enter(site.url, "Renewed");
      await page.goto(`${site.url}/rooms/lobby/live?refresh=5`);
      const first = await seqs(page);
      await say(site.url, bob, "seen after a while");
      const line = page.locator("#log .text").getByText("seen after a while", { exact: true });
      await line.waitFor();
      const all = new Set([...first, ...(await seqs(page))]);
      expect(isContiguous([...all].sort((a, b) => a - b))).toBe(true);
      // Both boxes must belong to the same load, and a "left" line may be newer than the message.
      await until("the newest line is just above the form", async () => {
        const [box, foot] = [
          await page.locator("#log > li").first().boundingBox(),
          await page.locator(".foot").boundingBox(),
        ];
        return box !== null && foot !== null && Math.abs(foot.y - box.y - box.height) < 40;
      });
      await page.context().close();
    },
    30_000,
  );
});

/**
 * Enters the lobby by its form, which leads to the room's page. A page that grows never finishes
 * loading.
 */
async function enter(at: string, nickname: string): Promise<Page> {
  const context = await browser.newContext({ locale: "en-US", javaScriptEnabled: false });
  const page = await context.newPage();
  page.setDefaultTimeout(25_000);
  await page.goto(`${at}/`);
  await page.fill("#enter [name=nickname]", nickname);
  await page.click("#enter button[name=room][value=lobby]", { noWaitAfter: true });
  await page.waitForSelector("#say");
  return page;
}

function inFrame(page: Page): { frame: FrameLocator; log(text: string): Promise<void> } {
  const frame = page.frameLocator("iframe");
  return { frame, log: (text) => frame.locator("#log .text").getByText(text, { exact: true }).waitFor() };
}

/** Returns a function that says how often a page has been fetched since. */
function countPages(page: Page): () => number {
  let count = 0;
  page.on("request", (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) count += 1;
  });
  return () => count;
}

async function seqs(log: Page | FrameLocator): Promise<number[]> {
  const lines = await log.locator("#log [data-seq]").all();
  const values = await Promise.all(lines.map((line) => line.getAttribute("data-seq")));
  return values.map(Number);
}

/** Sorts the texts, which may arrive in either order. */
function isContiguous(all: number[]): boolean {
  const step = (all[1] ?? 0) - (all[0] ?? 0);
  return Math.abs(step) === 1 && all.every((seq, n) => n === 0 || seq === (all[n - 1] as number) + step);
}

function untilATrialEnds(): Promise<void> {
  return new Promise((resolve, reject) => {
    get(`${site.url}/rooms/lobby/live`, { agent: false }, (page) => page.resume().once("end", resolve)).once(
      "error",
      reject,
    );
  });
}
