import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect } from "../../client/index.ts";
import { openSite, type TestSite } from "../support/app.ts";
import { endExamples, runExample } from "../support/example.ts";
import { until } from "../support/until.ts";

let site: TestSite;

beforeAll(async () => {
  site = await openSite();
});
afterAll(async () => {
  await endExamples();
  await site.close();
});

test("the bot answers !time, and nothing else, and ends when asked to", async () => {
  const url = site.nodes[0]?.url ?? "";
  const bot = runExample("bot/bot.js", [url, "lobby"]);
  await until("the bot reads", () => bot.printed().includes("Reading lobby"));

  const ann = connect(url, { room: "lobby", nickname: "Ann" });
  const texts: string[] = [];
  ann.on("event", ({ kind, text }) => kind === "message" && texts.push(text ?? ""));
  await ann.send("what time is it?");
  await ann.send("!time");
  await until("the bot has answered", () => texts.length === 3);
  ann.close();

  expect(texts).toEqual(["what time is it?", "!time", expect.stringMatching(/^It is \d\d:\d\d:\d\d\.$/)]);
  expect(await bot.end()).toBe(0);
});

test("the bot reports that a room does not exist, and ends", async () => {
  const bot = runExample("bot/bot.js", [site.nodes[0]?.url ?? "", "nowhere"]);
  await until("the bot has reported it", () => bot.printed().includes("no_such_room"));
  expect(await bot.end()).toBe(1);
});
