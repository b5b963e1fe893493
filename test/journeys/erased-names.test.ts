import { afterAll, beforeAll, expect } from "@jest/globals";
import type { Page } from "playwright-core";
import request from "supertest";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { type OldSite, openOldRoom, openOldSite } from "../support/old-browser.ts";
import { OPERATOR_SECRET, operator } from "../support/operator.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";
import { whisper } from "../support/whisper.ts";

const browser = useBrowser();
const site = useSite({ operatorSecret: OPERATOR_SECRET });
let old: OldSite;

beforeAll(async () => {
  old = await openOldSite(site.url);
});

afterAll(() => old?.close());

const html = (page: Page) => page.evaluate(() => document.documentElement.innerHTML);

browserTest("erasing everything by a person takes words, whispers and name off open pages, old ones too", async () => {
  const ben = await browser.sit(site.url, "Ben");
  await ben.say("Ben is here");
  await ben.sees("Ben is here");
  const context = await browser.newContext({ locale: "en-US" });
  const page = await context.newPage();
  await openOldRoom(page, `${old.url}/rooms/lobby`);
  const rude = await person(site.url, "Filth#a long secret");
  const { event } = await say(site.url, rude, "rude words");
  const { body } = await request(site.url).get("/api/rooms/lobby");
  const to = body.members.find(({ nickname }: { nickname: string }) => nickname === "Ben").id;
  await whisper(site.url, rude, { to, text: "rude whisper" });
  await request(site.url)
    .post("/api/rooms/lobby/rename")
    .set("authorization", `Bearer ${rude.token}`)
    .send({ nickname: "Filthier" })
    .expect(200);
  await ben.page.waitForSelector("#log .whisper");
  await page.waitForSelector(`#log [data-seq="${event.seq}"]`);
  for (const one of [ben.page, page]) await one.waitForSelector("#log .rename", { state: "attached" });
  await (await operator(site.url)).post("/api/operate/erase", { member: rude.id }).expect(200);
  const later = await person(site.url, "Later");
  await say(site.url, later, "and life goes on");
  for (const one of [ben.page, page]) {
    await one.waitForSelector('#log .text:text-is("and life goes on")');
    await until("nothing is left", async () => !/filth|rude/i.test(await html(one)));
    expect(await one.locator("#log .message.erased").count()).toBe(1);
    expect(await one.locator("#members").textContent()).toContain("(erased)");
  }
  expect(await ben.page.locator("#log .whisper.erased").count()).toBe(1);
  expect(await ben.page.locator("#log .text").allTextContents()).toContain("Ben is here");
  await ben.page.reload();
  await ben.sees("and life goes on");
  expect(await html(ben.page)).not.toMatch(/filth|rude/i);
  expect(await ben.page.locator("#log .whisper.erased").count()).toBe(1);
  await context.close();
  await ben.page.context().close();
});
