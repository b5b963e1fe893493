import { get } from "node:http";
import { beforeAll, describe, expect } from "@jest/globals";
import type { FrameLocator, Page } from "playwright-core";
import request from "supertest";
import { holdWhole, onePieceLate } from "../networks/rig/hold.ts";
import { openProxy } from "../networks/rig/proxy.ts";
import { person, say, type TestPerson } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { faultsOf, recordLoads, timesBrought } from "../support/loads.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();
let bob: TestPerson;

beforeAll(async () => {
  bob = await person(site.url, "Bob");
  await say(site.url, bob, "I was here before");
});

describe("a browser without script", () => {
  browserTest(
    "a room updates itself in its frame, next to a form that keeps its draft",
    { needs: ["no script"] },
    async () => {
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
    },
  );

  browserTest(
    "a live page grows without being fetched again, even after its trial, and accepts a message",
    { needs: ["no script"] },
    async () => {
      let fetched = 0;
      const proxy = await openProxy(site.url, (asked, pass) => {
        if (asked.path === "/rooms/lobby/live") fetched += 1;
        return pass(asked);
      });
      const page = await enter(proxy.url, "Growing");
      await page.goto(`${proxy.url}/rooms/lobby/live`, { waitUntil: "commit" });
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
      expect([fetched, await page.inputValue("#say [name=text]")]).toEqual([1, "a draft"]);
      await page.press("#say [name=text]", "Enter");
      await page.locator("#log .text").getByText("a draft", { exact: true }).waitFor();
      expect(await page.locator("#log .text").getByText("a draft", { exact: true }).count()).toBe(1);
      expect(isContiguous(await seqs(page))).toBe(true);
      await page.context().close();
      await proxy.close();
    },
    40_000,
  );

  browserTest.each([
    ["holds every page until it is whole", holdWhole],
    ["hands each piece on with the next", onePieceLate],
  ])(
    "on a network that %s the frame is refreshed from its cursor, and nothing is lost or doubled",
    { needs: ["no script"] },
    async (_, hold) => {
      const { loads, record } = recordLoads();
      const proxy = await openProxy(site.url, record, hold);
      const page = await enter(proxy.url, `Held${hold.name}`);
      const { log } = inFrame(page);
      await page.fill("#say [name=text]", "a draft on a slow network");
      // The first load names no cursor.
      await until("the frame is refreshed", () => loads.length > 1);
      for (const text of ["held one", "held two"]) {
        const { event } = await say(site.url, bob, `${text} ${hold.name}`);
        await log(`${text} ${hold.name}`);
        expect([timesBrought(loads, event.seq), faultsOf(loads)]).toEqual([1, []]);
      }
      expect(loads.filter(({ after }) => after === undefined)).toHaveLength(1);
      expect(await page.inputValue("#say [name=text]")).toBe("a draft on a slow network");
      await page.context().close();
      await proxy.close();
    },
    60_000,
  );

  browserTest(
    "a page that refreshes shows new messages at its foot",
    { needs: ["no script"] },
    async () => {
      const { loads, record } = recordLoads();
      const proxy = await openProxy(site.url, record);
      const page = await enter(proxy.url, "Renewed");
      // The frame of the room's own page loads the log, too.
      await until("the frame has loaded", () => loads.some(({ seqs }) => seqs().length > 0));
      await page.goto("about:blank");
      loads.length = 0;
      await page.goto(`${proxy.url}/rooms/lobby/live?refresh=5`);
      const { event } = await say(site.url, bob, "seen after a while");
      await page.locator("#log .text").getByText("seen after a while", { exact: true }).waitFor();
      expect([timesBrought(loads, event.seq), faultsOf(loads)]).toEqual([1, []]);
      // Both boxes must belong to the same load, and a "left" line may be newer than the message.
      await until("the newest line is just above the form", async () => {
        const [box, foot] = [
          await page.locator("#log > li").first().boundingBox(),
          await page.locator(".foot").boundingBox(),
        ];
        return box !== null && foot !== null && Math.abs(foot.y - box.y - box.height) < 40;
      });
      await page.context().close();
      await proxy.close();
    },
    30_000,
  );

  // In a room of its own: what it edits and erases leaves seqs without a line.
  browserTest(
    "a person answers a message, edits and erases what they said, and takes another name",
    { needs: ["no script"] },
    async () => {
      await request(site.url).post("/api/rooms").send({ slug: "changes" }).expect(201);
      const { event } = await say(site.url, bob, { text: "who answers me?", room: "changes" });
      const page = await (await browser.newContext({ locale: "en-US", javaScriptEnabled: false })).newPage();
      await page.goto(`${site.url}/rooms/changes`);
      await page.fill("#enter [name=nickname]", "Plain");
      await page.click("#enter button", { noWaitAfter: true });
      await page.waitForSelector("#say");
      await page.goto(`${site.url}/rooms/changes/${event.seq}`);
      await page.click(`[data-seq="${event.seq}"] .act`);
      await page.locator(".task-quote").getByText("who answers me?").waitFor();
      await page.fill("#say [name=text]", "I do");
      await page.click("#say button");
      await inFrame(page).log("I do");
      await page.frameLocator("iframe").locator(".own .quote-text").getByText("who answers me?").waitFor();
      await page.frameLocator("iframe").locator('.own .act[href$="/change"]').click();
      await page.fill("#edit [name=text]", "I do not");
      await page.click("#edit button");
      await page.locator(".current.edited .text").getByText("I do not", { exact: true }).waitFor();
      await page.click('.current .act[href$="/change"]');
      await page.click("#erase button");
      await page.waitForSelector("#log .own.erased");
      await page.click(".rename-link");
      await page.fill("#rename [name=nickname]", "Renamed");
      await page.click("#rename button");
      await page.frameLocator("iframe").locator(".rename .former").getByText("Plain", { exact: true }).waitFor();
      await page.context().close();
    },
    40_000,
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

async function seqs(log: Page | FrameLocator): Promise<number[]> {
  const lines = log.locator("#log [data-seq]");
  return lines.evaluateAll((all) => all.map((line) => Number(line.getAttribute("data-seq"))));
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
