import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { afterAll, expect, test } from "@jest/globals";
import { connect } from "../../client/index.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const hasPython = spawnSync("python3", ["--version"]).status === 0;
const pythonTest = hasPython ? test : test.skip;
let bot: ChildProcess | undefined;

afterAll(async () => {
  if (bot === undefined || bot.exitCode !== null) return;
  bot.kill("SIGKILL");
  await once(bot, "exit");
});

// After the hook above, so that the bot ends before the site.
const site = useSite();

pythonTest("the bot in Python answers !time", async () => {
  bot = spawn("python3", ["examples/python/bot.py", site.url, "lobby"]);
  let printed = "";
  for (const pipe of [bot.stdout, bot.stderr]) pipe?.setEncoding("utf8").on("data", (text) => (printed += text));
  await until("the bot reads", () => printed.includes("Reading lobby"), 10_000);
  const ann = connect(site.url, { room: "lobby", nickname: "Ann" });
  const texts: (string | undefined)[] = [];
  ann.on("event", ({ kind, text }) => kind === "message" && texts.push(text));
  await ann.send("!time");
  await until("the bot has answered", () => texts.length === 2, 10_000);
  ann.close();
  expect(texts).toEqual(["!time", expect.stringMatching(/^It is \d\d:\d\d:\d\d\.$/)]);
});
