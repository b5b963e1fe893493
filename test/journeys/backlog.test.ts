import { afterEach, beforeEach, describe, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import type { Running } from "../networks/rig/network.ts";
import { type Misbehaviour, openProxy, ownAnswer } from "../networks/rig/proxy.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();
const TEXTS = Array.from({ length: 60 }, (_, n) => `backlog ${n}`);
let network: Running;
let room: string;
/** How the network fails now: it does not, or it refuses or drops what this names. */
let fault: "none" | "refuses" | "drops";
let passesStreams: boolean;
/** Requests with messages that reached the site. */
let carried: number;
let rooms = 0;

const misbehave: Misbehaviour = async (asked, pass) => {
  const { path, method } = asked;
  const isMessage = method === "POST" && path.includes("/messages");
  // Pages pass even then, so that a reload finds one.
  if (fault === "drops" && path.startsWith("/api/")) return new Promise(() => {});
  if (fault === "refuses" && path.startsWith("/api/")) throw new Error("refused");
  if (!passesStreams && /^\/api\/(events|stream)/.test(path)) return ownAnswer(403, "No streams");
  if (isMessage) carried++;
  return pass(asked);
};

beforeEach(async () => {
  [fault, passesStreams, carried] = ["none", true, 0];
  room = `backlog-${rooms++}`;
  await request(site.url).post("/api/rooms").send({ slug: room });
  network = await openProxy(site.url, misbehave);
});
afterEach(() => network.close());

async function sit(transport: "sse" | "poll"): Promise<Page> {
  passesStreams = transport === "sse";
  const page = await browser.newPage({ locale: "en-US" });
  await page.goto(`${network.url}/rooms/${room}`);
  await page.fill("#enter [name=nickname]", "Patient");
  await page.press("#enter [name=nickname]", "Enter");
  await page.waitForSelector("#say");
  await page.waitForSelector(`#connection[data-transport="${transport}"]`);
  return page;
}

/** Writes all texts while nothing passes, until the first attempts to send have failed. */
async function writeAll(page: Page): Promise<void> {
  await page.evaluate((texts) => {
    const field = document.querySelector("#say [name=text]") as HTMLTextAreaElement;
    for (const text of texts) {
      field.value = text;
      (field.form as HTMLFormElement).requestSubmit();
    }
  }, TEXTS);
  await page.waitForFunction((count) => document.querySelectorAll("#log .kept").length === count, TEXTS.length);
}

async function areStored(): Promise<void> {
  await until("all are stored", async () => (await stored()).length >= TEXTS.length, 20_000);
  expect(await stored()).toEqual(TEXTS);
}

async function stored(): Promise<string[]> {
  const { body } = await request(site.url).get(`/api/rooms/${room}/messages?limit=200`);
  return body.events.flatMap(({ text }: { text?: string }) => text ?? []);
}

describe("sixty messages that waited in a page are stored in order by at most three requests", () => {
  for (const transport of ["sse", "poll"] as const)
    for (const how of ["refuses", "drops"] as const)
      browserTest(
        `after a network that ${how} everything, by ${transport}`,
        async () => {
          const page = await sit(transport);
          fault = how;
          await writeAll(page);
          fault = "none";
          await areStored();
          expect(carried).toBeLessThanOrEqual(3);
          await page.context().close();
        },
        60_000,
      );

  browserTest(
    "after a reload",
    async () => {
      const page = await sit("sse");
      fault = "refuses";
      await writeAll(page);
      await page.reload();
      await page.waitForFunction((count) => document.querySelectorAll("#log .pending").length === count, TEXTS.length);
      fault = "none";
      await areStored();
      expect(carried).toBeLessThanOrEqual(3);
      await page.context().close();
    },
    60_000,
  );
});
