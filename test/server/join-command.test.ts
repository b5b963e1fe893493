import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "@jest/globals";
import { person, say } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const running = new Set<ChildProcessWithoutNullStreams>();
afterAll(async () => {
  for (const child of running) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});
const site = useSite();

function join(args: string[]) {
  const { NODE_OPTIONS: _jest, ...env } = process.env;
  const child = spawn(process.execPath, ["dist/server/process/cli.js", "join", ...args], { env });
  running.add(child);
  let printed = "";
  for (const pipe of [child.stdout, child.stderr])
    pipe.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  const ended = once(child, "exit").then(([code]) => {
    running.delete(child);
    return code as number;
  });
  return { child, printed: () => printed, ended };
}

test("`chattera join` shows a room, sends what is typed, and leaves at the end of the input", async () => {
  const ann = await person(site.url, "Ann");
  await say(site.url, ann, "before");
  const { child, printed, ended } = join([site.url, "lobby", "--nickname", "Terminal"]);
  await until("it shows the past", () => printed().includes("Ann: before"), 15_000);
  await say(site.url, ann, "two\nlines");
  await until("it shows what comes", () => printed().includes("Ann: two\n      lines"), 10_000);
  child.stdin.write("typed\n");
  await until("it shows its own message", () => printed().includes("Terminal: typed"), 10_000);
  child.stdin.write("/nick Terry\n");
  await until("it shows its new name", () => printed().includes("Terminal is now Terry"), 10_000);
  child.stdin.end();
  expect(await ended).toBe(0);
  const { events } = (await (await fetch(`${site.url}/api/rooms/lobby/messages`)).json()) as {
    events: { kind: string; member: { nickname: string } }[];
  };
  expect(events.at(-1)).toMatchObject({ kind: "leave", member: { nickname: "Terry" } });
}, 60_000);

test("what comes through a pipe at once is sent and answered before it leaves", async () => {
  const { child, printed, ended } = join([site.url, "lobby", "--nickname", "Pipe"]);
  child.stdin.end("first\n/roll 1d2\n/who\n");
  expect(await ended).toBe(0);
  expect(printed()).toContain("Pipe: first\n");
  expect(printed()).toMatch(/ 1d2 = [12]\n/);
  expect(printed()).toMatch(/^-- \d here: .*Pipe$/m);
  expect(printed()).not.toContain("> ");
}, 60_000);

test("its last message can be edited and erased, and a person reported", async () => {
  await say(site.url, await person(site.url, "Rude"), "rude words");
  const { child, printed, ended } = join([site.url, "lobby", "--nickname", "Editor"]);
  await until("it is there", () => printed().includes("Rude: rude words"), 15_000);
  child.stdin.write("/erase\n");
  await until("it has sent nothing", () => printed().includes("-- not done: you have not sent a message"), 10_000);
  child.stdin.write("frist\n");
  await until("it is sent", () => printed().includes("Editor: frist"), 10_000);
  child.stdin.write("/edit first\n");
  const last = async () => (await (await fetch(`${site.url}/api/rooms/lobby/messages`)).json()) as Log;
  type Log = { events: { kind: string; text?: string; erased?: true; member: { nickname: string } }[] };
  const own = async () =>
    (await last()).events.find(({ kind, member }) => kind === "message" && member.nickname === "Editor");
  await until("it is edited", async () => (await own())?.text === "first", 10_000);
  child.stdin.write("/erase\n");
  await until("it is erased", async () => (await own())?.erased === true, 10_000);
  child.stdin.write("/report Nobody\n/report Rude bad words\n");
  await until("one is reported", () => printed().includes("-- Rude is reported to the moderators"), 10_000);
  expect(printed()).toContain("-- not done: nobody of that name is here\n");
  child.stdin.end();
  expect(await ended).toBe(0);
  expect(await site.node.app.site.db("reports").select("reason")).toEqual([{ reason: "bad words" }]);
}, 60_000);

test("without a nickname it reads, and says what else it lacks", async () => {
  const { child, printed, ended } = join([site.url, "lobby"]);
  child.stdin.end("hello\n/help\n");
  expect(await ended).toBe(0);
  expect(printed()).toContain("-- choose a --nickname to talk\n");
  expect(printed()).toContain("-- /who ");
}, 60_000);

test("it says why it cannot, and ends with 1", async () => {
  const { printed, ended } = join([site.url, "nowhere"]);
  expect(await ended).toBe(1);
  expect(printed()).toBe("chattera: The server refused it: no_such_room.\n");
  const impossible = join(["nowhere"]);
  expect(await impossible.ended).toBe(1);
  expect(impossible.printed()).toMatch(/^chattera: "nowhere" is not the address of a site[^\n]*\n$/);
}, 60_000);

test("it says that nothing answers, or something else, and goes on trying", async () => {
  const other = createServer((_asked, answer) => void answer.end("another site")).listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  for (const [url, nickname] of [
    [`http://127.0.0.1:${port}`, "Early"],
    [`http://127.0.0.1:${port}/chat`, ""],
  ] as const) {
    const { child, printed, ended } = join([url, "lobby", ...(nickname === "" ? [] : ["--nickname", nickname])]);
    await until("it says so", () => printed().includes(`no site answers at ${url} yet\n`), 15_000);
    child.kill();
    await ended;
  }
  other.closeAllConnections();
  other.close();
  await once(other, "close");
  const { child, printed, ended } = join([`http://127.0.0.1:${port}`]);
  await until("it says so", () => printed().includes("no site answers"), 15_000);
  child.kill();
  await ended;
}, 60_000);
