import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "@jest/globals";
import request from "supertest";
import { openStream } from "../../server/testing.ts";
import { person, say, type TestPerson } from "../support/app.ts";
import { OPERATOR_SECRET, operator } from "../support/operator.ts";
import { type CommandOutcome, runCommand } from "../support/run-command.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite({ operatorSecret: OPERATOR_SECRET });
let ann: TestPerson;

beforeAll(async () => {
  ann = await person(site.url, "Ann");
});

const chattera = (...args: string[]): Promise<CommandOutcome> => runCommand(args, { DATABASE_URL: site.databaseUrl });

async function listed(...args: string[]): Promise<{ [name: string]: unknown }[]> {
  const { code, out } = await chattera(...args, "--json");
  expect(code).toBe(0);
  return JSON.parse(out);
}

test("commands list rooms and people, and erase what people see", async () => {
  const stream = await openStream(site.url, { room: "lobby" });
  const { event } = await say(site.url, ann, "by the command line");
  expect((await chattera("rooms")).out).toMatch(/^slug +title +public .*\nlobby +Lobby +true/);
  const [seen] = await listed("people", "--room", "lobby");
  expect(seen).toMatchObject({ id: ann.id, nickname: "Ann", network: expect.stringMatching(/^[a-km-np-z2-9]{8}$/) });
  expect(await chattera("erase", "--room", "lobby", "--seq", String(event.seq))).toMatchObject({
    code: 0,
    out: "1 message is erased.\n",
  });
  expect((await stream.events(3)).at(-1)).toMatchObject({ kind: "erase", target: event.seq, by: "moderator" });
  await stream.close();
  expect(await listed("log")).toMatchObject([{ act: "erase", byName: "command line", name: "Ann" }]);
}, 240_000);

test("a webhook is made, listed and revoked for the running site", async () => {
  const { out, code } = await chattera("webhook", "make", "lobby", "CI", "--url", site.url);
  expect(code).toBe(0);
  const post = () => request(out.trim()).post("").send({ text: "build 5 failed" });
  await post().expect(200);
  const [webhook] = await listed("webhook", "list", "lobby");
  expect(webhook).toMatchObject({ name: "CI", used: expect.stringMatching(/^\d{4}-/) });
  expect((await chattera("webhook", "revoke", "lobby", String(webhook?.id))).code).toBe(0);
  await post().expect(404);
  expect((await chattera("webhook", "revoke", "lobby", "unknown")).code).toBe(1);
}, 240_000);

test("a room is made, changed, given a moderator and another owner key, and removed", async () => {
  const { out } = await chattera("room", "make", "tea", "--title", "Tea room", "--url", "https://chat.example.org/");
  expect(out).toMatch(
    /^The room tea is made\.\nowner key: \S{24}\n.*: https:\/\/chat\.example\.org\/rooms\/tea\/claim#\S{24}\n$/,
  );
  const stream = await openStream(site.url, { room: "tea" });
  const changed = await chattera("room", "settings", "tea", "pinned=Be kind", "slowSeconds=5", "keepDays=");
  expect(changed.out).toMatch(/^slowSeconds +5$/m);
  expect((await stream.events(2)).map(({ text }) => text)).toEqual([
    "低速モード (slow mode): 5 秒 (s)",
    "お知らせ (announcement): Be kind",
  ]);
  const refused = await chattera("room", "settings", "tea", "slowSeconds=never");
  expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/^chattera: .*slowSeconds[^\n]*\n$/) });
  expect((await chattera("room", "appoint", "tea", "--member", ann.id)).code).toBe(0);
  const asAnn = (path: string) => request(site.url).get(path).set("authorization", `Bearer ${ann.token}`);
  const settings = await until("Ann may see them", async () => {
    const answer = await asAnn("/api/rooms/tea/settings");
    return answer.status === 200 ? answer.body.settings : undefined;
  });
  expect(settings).toMatchObject({ title: "Tea room", pinned: "Be kind", slowSeconds: 5 });
  const key = /owner key: (\S+)/.exec((await chattera("room", "key", "tea")).out)?.[1];
  const claim = (given: unknown) =>
    request(site.url).post("/api/rooms/tea/claim").set("authorization", `Bearer ${ann.token}`).send({ key: given });
  await claim(/owner key: (\S+)/.exec(out)?.[1]).expect(403);
  await claim(key).expect(200);
  await say(site.url, ann, { room: "tea", text: "to be deleted" });
  expect(await chattera("room", "remove", "tea")).toMatchObject({ code: 1, err: expect.stringContaining("--yes") });
  expect((await chattera("room", "remove", "tea", "--yes")).code).toBe(0);
  await expect(stream.events(99)).rejects.toThrow("the stream ended");
  await asAnn("/api/rooms/tea").expect(404);
  const { db } = site.node.app.site;
  expect(await db("events").where({ text: "to be deleted" })).toEqual([]);
  expect(await chattera("room", "remove", "lobby", "--yes")).toMatchObject({ code: 1 });
  expect((await listed("log"))[0]).toMatchObject({ act: "remove room", room: "tea", byName: "command line" });
}, 240_000);

test("a ban of a network says whom it would hit, and holds at the running site", async () => {
  await say(site.url, ann, "once more");
  await say(site.url, await person(site.url, "Ben"), "from the same address");
  const [{ network }] = (await listed("people")) as [{ network: string }];
  const asked = ["ban", "--network", network, "--act", "silence", "--reason", "rude", "--minutes", "60"];
  const refused = await chattera(...asked);
  expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/^chattera: This would hit 2 people .* --yes/) });
  expect((await chattera(...asked, "--yes")).code).toBe(0);
  const [ban] = await listed("ban", "--list");
  expect(ban).toMatchObject({ kind: "network", value: network, act: "silence", reason: "rude" });
  const said = request(site.url).post("/api/rooms/lobby/messages").set("authorization", `Bearer ${ann.token}`);
  expect((await said.send({ id: "silenced-1", text: "too late" })).body).toMatchObject({ code: "silenced" });
  expect((await chattera("ban", "--lift", String(ban?.id))).code).toBe(0);
  expect(await listed("ban", "--list")).toEqual([]);
}, 240_000);

test.each([
  ["ban", "--network", "abcd"],
  ["ban", "--network", "ABCDEFGH"],
  ["erase", "--network", "ABCDEFGH"],
  ["ban", "--trip", "WdipmZgg18yn"],
  ["erase", "--member", "not an id"],
])(
  "a mistyped target is refused instead of hitting nobody: %s %s %s",
  async (command, option, value) => {
    const { code, out, err } = await chattera(command, option, value);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toBe(
      `chattera: ${option} is ${value}, which is no ${option.slice(2)} of this site: chattera people lists them.\n`,
    );
  },
  60_000,
);

test("a reader that has enough of a list, as head has, causes no error", async () => {
  const { NODE_OPTIONS: _jest, ...environment } = process.env;
  // The other program closes its end of the pipe at once.
  const line = `"${process.execPath}" --import tsx server/process/cli.ts log --json | exec 0<&-; echo $PIPESTATUS`;
  const run = promisify(execFile)("bash", ["-c", line], { env: { ...environment, DATABASE_URL: site.databaseUrl } });
  expect(await run).toEqual({ stdout: "141\n", stderr: "" });
}, 60_000);

test.each(["log --json", "export lobby"])(
  "a full disk behind standard output ends a command with a sentence: %s",
  async (command) => {
    const { NODE_OPTIONS: _jest, ...environment } = process.env;
    const line = `"${process.execPath}" --import tsx server/process/cli.ts ${command} >/dev/full`;
    const run = promisify(execFile)("bash", ["-c", line], { env: { ...environment, DATABASE_URL: site.databaseUrl } });
    await expect(run).rejects.toMatchObject({
      code: 1,
      stderr: "chattera: Standard output cannot be used: the disk is full.\n",
    });
  },
  60_000,
);

test("an operator signs in by a link, once", async () => {
  const { out } = await chattera("operator", "link", "--url", "https://chat.example.org/talk/");
  const link = /^https:\/\/chat\.example\.org\/talk\/operate\?link=([\w-]{32})\n$/.exec(out)?.[1];
  const signIn = () => request(site.url).post("/api/operate/session").set("origin", site.url).send({ link });
  expect((await signIn()).status).toBe(201);
  expect((await signIn()).body).toMatchObject({ status: 403, code: "wrong_secret" });
}, 240_000);

test("reports and emergency switches are those of the page", async () => {
  await request(site.url).post("/api/rooms/lobby/report").send({ member: ann.id, reason: "rude" }).expect(201);
  const [report] = await listed("reports", "--room", "lobby");
  expect(report).toMatchObject({ nickname: "Ann", reason: "rude" });
  expect(await chattera("reports", "--resolve", String(report?.id))).toMatchObject({ code: 0 });
  const { out } = await chattera("emergency", "--read-only", "on", "--new-rooms", "off", "--speak-after", "5");
  expect(out).toBe("read-only: on\nnew rooms: off\nspeak after: 5 minutes\n");
  const op = await operator(site.url);
  expect((await op.get("/api/operate")).body.switches).toEqual({
    readOnly: true,
    noNewRooms: true,
    speakAfterMinutes: 5,
  });
  await op.post("/api/operate/switches", { readOnly: false, noNewRooms: false, speakAfterMinutes: 0 }).expect(200);
}, 240_000);

test("what cannot be done ends with one sentence and 1", async () => {
  const sentence = (text: RegExp) => ({ code: 1, out: "", err: expect.stringMatching(text) });
  const outcomes = await Promise.all([
    chattera("erase", "--room", "lobby"),
    chattera("erase", "--room", "nowhere", "--seq", "1"),
    chattera("ban", "--lift", "12345"),
    chattera("ban", "--act", "nothing"),
    chattera("webhook", "make", "lobby", "CI", "--url", "nonsense"),
    chattera("room", "appoint", "lobby", "--trip", "WdipmZgg18yn"),
    chattera("room", "settings", "lobby", "link=false"),
    chattera("room", "settings", "lobby", "links="),
  ]);
  expect(outcomes).toMatchObject([
    sentence(/^chattera: Name one of --member, .*\.\n$/),
    sentence(/^chattera: There is no room nowhere: .*\.\n$/),
    sentence(/^chattera: There is no ban 12345 .*\.\n$/),
    sentence(/error: option '--act <act>' .* is invalid/),
    sentence(/^chattera: --url must be the address of the site, .*\.\n$/),
    sentence(/^chattera: --trip is WdipmZgg18yn, which is no trip of this site: .*\.\n$/),
    sentence(/^chattera: There is no setting link: .*\.\n$/),
    sentence(/^chattera: links: true or false\n$/),
  ]);
  expect((await chattera("ban", "--help")).out).toMatch(/Exit code: 0 done, 1 it failed or was refused\./);
}, 240_000);
