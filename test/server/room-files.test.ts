import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import request from "supertest";
import { eraseMessages } from "../../db/log/erase.ts";
import { connect } from "../../db/pool/connect.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { erase } from "../../server/rooms/moderate.ts";
import { exportRoom } from "../../server/transfer/export-room.ts";
import { importRoom } from "../../server/transfer/import-room.ts";
import { clientId, person, sayAll, type TestPerson } from "../support/app.ts";
import { createDatabase, query } from "../support/database.ts";
import { runFilter } from "../support/run-command.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
const folder = join(tmpdir(), `chattera-files-${randomUUID()}`);
const other: { url: string; drop(): Promise<void> }[] = [];
let ann: TestPerson;

beforeAll(async () => {
  await mkdir(folder);
  await request(site.url).post("/api/rooms").send({ slug: "tea", title: "Tea & <b>cake</b>" }).expect(201);
  ann = await person(site.url, "ann");
  await sayAll(site.url, ann, { texts: ["hello", "<script>alert(1)</script>", "to be erased"], room: "tea" });
  const erased = await seqOf("to be erased");
  await request(site.url)
    .post(`/api/rooms/tea/messages/${erased}/erase`)
    .set("authorization", `Bearer ${ann.token}`)
    .send({ id: clientId() })
    .expect(201);
}, 30_000);
afterAll(async () => {
  await Promise.all(other.map(({ drop }) => drop()));
  await rm(folder, { recursive: true, force: true });
}, 60_000);

test("the commands export a room as its events, without a text that was erased, and import it once however often", async () => {
  const { code, out, err } = await chattera(["export", "tea"]);
  expect([code, err]).toEqual([0, expect.stringContaining("Export complete")]);
  const [header, ...events] = linesOf(out);
  expect(header).toMatchObject({ chattera: "room", format: 1, first: 1, room: { slug: "tea", public: true } });
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, n) => n + 1));
  expect(String(out)).not.toContain("to be erased");
  const target = await newDatabase();
  const first = await chattera(["import", "-"], { url: target, input: out });
  const all = `${events.length} events are new in tea.\n`;
  expect([first.code, first.err]).toEqual([0, `Import complete: ${events.length} of ${all}`]);
  const again = await chattera(["import", "-"], { url: target, input: out });
  expect([again.code, again.err]).toEqual([0, `Import complete: 0 of ${all}`]);
  expect(linesOf(await exported(target)).slice(1)).toEqual(events);
}, 60_000);

test("a file has neither an erased notice nor an erased name, and another site imports the erases", async () => {
  const bad = await person(site.url, "Unlawful");
  await request(site.url).post("/api/rooms").send({ slug: "erased" }).expect(201);
  await sayAll(site.url, bad, { texts: ["/roll 1d6", "unlawful words"], room: "erased" });
  const { wakeUps, db } = site.node.app.site;
  const moderator = { by: "operator", byName: "operator" };
  expect(await erase({ db, wakeUps }, { moderator, what: { kind: "member", value: bad.id } })).toBe(2);
  const { code, out } = await chattera(["export", "erased"]);
  expect([code, String(out).match(/unlawful|1d6/i)]).toEqual([0, null]);
  const [, ...events] = linesOf(out);
  expect(events.map(({ kind }) => kind)).toEqual(["enter", "notice", "message", "erase", "erase", "unname"]);
  const target = await newDatabase();
  expect(await imported(target, out)).toMatchObject({ added: 6 });
  const { out: copy } = await chattera(["export", "erased"], { url: target });
  expect(linesOf(copy).slice(1)).toEqual(events);
}, 60_000);

test("an import continues where it was interrupted, and keeps what was erased since", async () => {
  const file = await exported();
  const lines = String(file).split("\n");
  const target = await newDatabase();
  const cut = Buffer.from(`${lines.slice(0, 3).join("\n")}\n`);
  await expect(imported(target, cut)).rejects.toThrow("ends at event 2 of");
  expect(await imported(target, file)).toMatchObject({ added: lines.length - 4 });
  await query(target, "update events set text = null, change = 'erased' where text = 'hello'");
  expect(await imported(target, file)).toMatchObject({ added: 0 });
  expect(await query(target, "select from events where text = 'hello'")).toEqual([]);
});

test("a room with other events is refused, and the file can become another room of the same site", async () => {
  const file = await exported();
  await sayAll(site.url, ann, { texts: ["other words"], room: "lobby" });
  await expect(imported(site.databaseUrl, file, "lobby")).rejects.toThrow(
    "The room lobby has other events than tea.jsonl: add --into with a name that is free, to keep both.",
  );
  await imported(site.databaseUrl, file, "tea-copy");
  const { body } = await request(site.url).get("/api/rooms/tea-copy/messages").expect(200);
  expect(body.events.map(({ text }: RoomEvent) => text)).toContain("hello");
});

test("a page is a file of its own, in either language, in which text is text", async () => {
  const file = join(folder, "tea.html");
  const { code } = await chattera(["export", "tea", file, "--language", "ja"]);
  expect(code).toBe(0);
  const page = await readFile(file, "utf8");
  expect(page).toContain('<html lang="ja">');
  expect(page).toContain("hello");
  expect(page).toContain("&lt;script&gt;");
  expect(page).not.toMatch(/<script|<link|src=|to be erased/);
  expect(page.trimEnd().endsWith("</html>")).toBe(true);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
}, 30_000);

test.each([
  ["nothing", ""],
  ["something else", '{"hello":1}\n'],
  ["a backup", '{"chattera":"backup","format":1}\n'],
])("%s is not imported", async (_what, text) => {
  await expect(imported(site.databaseUrl, Buffer.from(text))).rejects.toThrow("tea.jsonl is not a room of chattera");
});

test("a file of a newer format is refused in one sentence", async () => {
  const file = String(await exported()).replace('"format":1', '"format":2');
  await expect(imported(site.databaseUrl, Buffer.from(file))).rejects.toThrow(
    "tea.jsonl has format 2, and this chattera reads up to 1: import it with a newer chattera.",
  );
});

test("a damaged line ends an import with the number of the event", async () => {
  const lines = String(await exported()).split("\n");
  const target = await newDatabase();
  const stranger = JSON.stringify({ ...JSON.parse(lines[2] as string), member: { id: "x" } });
  for (const bad of ["{", lines[1], stranger]) {
    const file = Buffer.from([...lines.slice(0, 2), bad, ...lines.slice(3)].join("\n"));
    await expect(imported(target, file)).rejects.toThrow("damaged where event 2 should be");
  }
});

test("a room that was pruned is imported from its first event that is kept", async () => {
  const lines = String(await exported())
    .trimEnd()
    .split("\n");
  const header = { ...JSON.parse(lines[0] as string), first: 3 };
  const target = await newDatabase();
  const file = Buffer.from([JSON.stringify(header), ...lines.slice(3)].join("\n"));
  await imported(target, file);
  expect(await imported(target, file)).toMatchObject({ added: 0 });
  expect(linesOf(await exported(target)).slice(1)).toEqual(linesOf(Buffer.from(lines.slice(3).join("\n"))));
});

test("a room keeps its settings, and one that had a password is for moderators only", async () => {
  const source = await newDatabase();
  await imported(source, await exported());
  await query(
    source,
    `update rooms set description = 'Tea', settings = '{"links":false}', password = 'a hash' where slug = 'tea'`,
  );
  const file = await exported(source);
  expect(String(file)).not.toContain("a hash");
  const target = await newDatabase();
  expect(await imported(target, file)).toMatchObject({ hasPassword: true });
  const [room] = await query(target, "select description, settings, password from rooms where slug = 'tea'");
  expect(room).toEqual({ description: "Tea", settings: { links: false, mayRead: "moderators" }, password: null });
  const bad = Buffer.from(String(file).replace('"links":false', '"links":"perhaps"'));
  await expect(imported(await newDatabase(), bad)).rejects.toThrow("The settings of the room tea cannot be read");
});

test("messages that are older than they are kept are in no file, also before a node has deleted them", async () => {
  const target = await newDatabase();
  await imported(target, await exported());
  await query(target, "update events set at = at - interval '40 days' where seq <= 2");
  const seqs = (file: Buffer) =>
    linesOf(file)
      .slice(1)
      .map(({ seq }) => seq);
  const all = seqs(await exported(target));
  expect(all[0]).toBe(1);
  expect(seqs(await exported(target, { keepDays: 30 }))).toEqual(all.slice(2));
  expect(seqs(await exported(target, { keepDays: 50 }))).toEqual(all);
  await query(target, `update rooms set settings = '{"keepDays": 20}' where slug = 'tea'`);
  expect(seqs(await exported(target))).toEqual(all.slice(2));
  await query(target, "update events set at = at - interval '40 days'");
  expect(seqs(await exported(target))).toEqual([]);
});

test("an export says how much was edited or erased while it was written", async () => {
  const target = await newDatabase();
  await imported(target, await exported());
  const db = connect(target);
  const changes: number[] = [];
  const options = { version: "0", format: "jsonl", layout: { language: "en", timeZone: "UTC" } } as const;
  const reading = exportRoom(db, "tea", { ...options, onChanged: (count) => changes.push(count) });
  await reading.next();
  const [{ id }] = (await db("rooms").where({ slug: "tea" }).select("id")) as [{ id: number }];
  await eraseMessages(db, { roomId: id, seqs: [2] });
  for await (const _part of reading);
  expect(changes).toEqual([1]);
  for await (const _part of exportRoom(db, "tea", { ...options, onChanged: (count) => changes.push(count) }));
  expect(changes).toEqual([1]);
  await db.destroy();
});

test("a room that does not exist, a folder that is missing and a file that is a folder are err in one sentence", async () => {
  const results = [
    await chattera(["export", "nowhere"]),
    await chattera(["export", "tea", join(folder, "missing", "tea.jsonl")]),
    await chattera(["import", folder]),
    await chattera(["import", join(folder, "missing.jsonl")]),
  ];
  expect(results.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
  for (const { err } of results) expect(err).toMatch(/^chattera: [^\n]+[.]\n$/);
}, 60_000);

function chattera(args: string[], { url = site.databaseUrl, input }: { url?: string; input?: Buffer } = {}) {
  return runFilter(args, { DATABASE_URL: url }, input);
}

/** Returns the file of the room "tea". */
async function exported(url = site.databaseUrl, kept: { keepDays?: number } = {}): Promise<Buffer> {
  const layout = { language: "en", timeZone: "UTC" } as const;
  const db = connect(url, { poolMax: 1 });
  const parts: string[] = [];
  for await (const part of exportRoom(db, "tea", { version: "1.0.0", format: "jsonl", layout, ...kept }))
    parts.push(part);
  await db.destroy();
  return Buffer.from(parts.join(""));
}

async function imported(url: string, file: Buffer, into?: string) {
  const db = connect(url, { poolMax: 1 });
  // Parts of an odd length cut lines anywhere.
  const parts = Array.from({ length: Math.ceil(file.length / 61) }, (_, n) => file.subarray(n * 61, n * 61 + 61));
  return importRoom(db, Readable.from(parts), { name: "tea.jsonl", into }).finally(() => db.destroy());
}

function linesOf(out: Buffer): RoomEvent[] {
  return String(out)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as RoomEvent);
}

async function newDatabase(): Promise<string> {
  const made = await createDatabase();
  other.push(made);
  return made.url;
}

async function seqOf(text: string): Promise<number> {
  const [row] = await query(site.databaseUrl, `select seq::int from events where text = '${text}'`);
  return Number(row?.seq);
}
