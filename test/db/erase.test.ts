import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { applyFunctions, readFunctions } from "../../db/functions.ts";
import { append, type Draft } from "../../db/log/append.ts";
import { changeMessage, readChangedRooms } from "../../db/log/change.ts";
import { eraseMessages, findMessagesOf, type MessagesOfRoom } from "../../db/log/erase.ts";
import { type ErasedNames, eraseNames } from "../../db/log/erase-names.ts";
import type { Stored } from "../../db/log/event-row.ts";
import { readSince } from "../../db/log/read.ts";
import { appendNotices } from "../../db/log/room-rules.ts";
import { findRooms } from "../../db/log/rooms.ts";
import { writeSightings } from "../../db/log/sightings.ts";
import { postgresWakeUps } from "../../db/log/wake-ups.ts";
import { migrate, migrationSource } from "../../db/migrate.ts";
import { connect } from "../../db/pool/connect.ts";
import { rowsOf } from "../../db/pool/statement.ts";
import { isSaid, SAID_KINDS } from "../../protocol/line.ts";
import { erase } from "../../server/rooms/moderate.ts";
import { createDatabase, createEmptyDatabase } from "../support/database.ts";
import { enterRoom, makeRoom } from "../support/enter.ts";
import { until } from "../support/until.ts";

const ann = { id: "ann", nickname: "Ann", color: "#b3261e" };
const bob = { id: "bob", nickname: "Bob", color: "#0b57d0", trip: "◆bobbobbob" };

let database: Awaited<ReturnType<typeof createDatabase>>;
let db: Knex;
let rooms: number[];
let count = 0;

beforeAll(async () => {
  database = await createDatabase();
  db = connect(database.url);
  for (const slug of ["a", "b"]) await makeRoom(db, { slug, title: slug, public: true });
  rooms = (await findRooms(db, ["a", "b"])).map(({ id }) => id);
  for (const roomId of rooms)
    for (const member of [ann, bob]) await enterRoom(db, roomId, { ...member, skeleton: member.id });
});

afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const room = (n = 0) => rooms[n] as number;

async function said(text: string, member = ann, roomId = room()): Promise<number> {
  count += 1;
  const draft: Draft = { roomId, kind: "message", member, text, clientId: `client-${count}` };
  const [stored] = await append(db, [draft]);
  return (stored as Stored).event.seq;
}

const logOf = async (roomId: number) =>
  (await readSince(db, new Map([[roomId, 0]]), 100_000)).map(({ event }) => event);

const rowsWith = (text: string) => rowsOf(db, "select seq from events where text like ?", [`%${text}%`]);

async function allOf(culprit: Parameters<typeof findMessagesOf>[1], roomId?: number): Promise<MessagesOfRoom[]> {
  const parts: MessagesOfRoom[] = [];
  for await (const part of findMessagesOf(db, culprit, roomId)) parts.push(part);
  return parts;
}

describe("erasing by a moderator", () => {
  test("erases several messages in one commit, with an event for each, and without a gap", async () => {
    const seqs = [await said("one"), await said("two", bob), await said("three")];
    const events = await eraseMessages(db, { roomId: room(), seqs });
    expect(events).toMatchObject(
      seqs.map((target, n) => ({ kind: "erase", target, by: "moderator", seq: (seqs[2] as number) + 1 + n })),
    );
    expect(events.map(({ member }) => member.nickname)).toEqual(["Ann", "Bob", "Ann"]);
    const log = await logOf(room());
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, n) => n + 1));
    expect(log.slice(-3)).toEqual(events);
    expect(await readChangedRooms(db, 60)).toContainEqual({ roomId: room(), seq: events.at(-1)?.seq });
  });

  test("leaves no text in the table, not even a former one", async () => {
    const seq = await said("secret of the first kind");
    await changeMessage(
      db,
      { roomId: room(), target: seq, memberId: "ann", kind: "edit", text: "secret of the second kind" },
      { minutes: 15 },
    );
    await eraseMessages(db, { roomId: room(), seqs: [seq] });
    expect(await rowsWith("secret of the")).toEqual([]);
  });

  test("is possible for the kinds that carry words, in the table as in the protocol, and for no other", async () => {
    const kinds = ["message", "notice", "whisper", "enter", "leave", "edit", "erase", "rename", "unname"];
    await db("rooms").insert({ slug: "kinds", title: "kinds", last_seq: kinds.length });
    const roomId = (await db("rooms").where({ slug: "kinds" }).first("id")).id;
    const row = { room_id: roomId, member_id: "ann", nickname: "Ann", color: "#b3261e", at: new Date() };
    await db("events").insert(kinds.map((kind, n) => ({ ...row, kind, seq: n + 1, text: "words" })));
    const events = await eraseMessages(db, { roomId, seqs: kinds.map((_, n) => n + 1) });
    expect(events.map((event) => kinds[event.target - 1])).toEqual(SAID_KINDS);
    const rows = await db("events").where({ change: "erased", room_id: roomId }).orderBy("seq");
    expect(rows.map(({ kind, text }) => [kind, text])).toEqual(SAID_KINDS.map((kind) => [kind, null]));
    expect(kinds.filter(isSaid)).toEqual(SAID_KINDS);
    for (const change of ["edited", "erased"])
      for (const seq of [4, 5, 6, 7, 8, 9]) {
        const other = db("events").where({ room_id: roomId, seq }).update({ change, text: null });
        await expect(other).rejects.toThrow("events_change_check");
      }
  });

  test("skips what is erased already, what is no message, and what is in another room", async () => {
    const seq = await said("once");
    const elsewhere = await said("elsewhere", ann, room(1));
    expect(await eraseMessages(db, { roomId: room(), seqs: [seq, seq] })).toHaveLength(1);
    const before = (await logOf(room())).length;
    expect(await eraseMessages(db, { roomId: room(), seqs: [seq, 1, elsewhere + 1_000, before] })).toEqual([]);
    expect((await logOf(room())).length).toBe(before);
    expect(await rowsWith("elsewhere")).toHaveLength(1);
  });
});

describe("everything of a culprit", () => {
  test("is found by session, in one room or in all, in parts of a hundred", async () => {
    const cid = { id: "cid", nickname: "Cid", color: "#b3261e" };
    for (const roomId of rooms) await enterRoom(db, roomId, { ...cid, skeleton: "cid" });
    for (let n = 0; n < 130; n += 1) await said(`cid ${n}`, cid);
    const there = await said("cid there", cid, room(1));
    const here = await allOf({ kind: "member", value: "cid" }, room());
    expect(here.map(({ seqs }) => seqs.length)).toEqual([100, 30]);
    const all = await allOf({ kind: "member", value: "cid" });
    expect(all.flatMap(({ roomId, seqs }) => (roomId === room(1) ? seqs : []))).toEqual([there]);
    for (const part of all) await eraseMessages(db, part);
    expect(await allOf({ kind: "member", value: "cid" })).toEqual([]);
    expect(await rowsWith("cid ")).toEqual([]);
  });

  test("is found by trip, which the log has no index of", async () => {
    const seq = await said("with a trip", bob, room(1));
    await said("without", ann, room(1));
    const found = await allOf({ kind: "trip", value: bob.trip }, room(1));
    expect(found).toEqual([{ roomId: room(1), seqs: [seq], isInbox: false }]);
  });

  test("is found by the network from which sessions came, or by the /48 around it", async () => {
    const dan = { id: "dan", nickname: "Dan", color: "#b3261e" };
    await enterRoom(db, room(), { ...dan, skeleton: "dan" });
    await writeSightings(db, [{ memberId: "dan", network: "aaaaaaaa", wideNetwork: "bbbbbbbb" }]);
    const seq = await said("from a network", dan);
    for (const value of ["aaaaaaaa", "bbbbbbbb"])
      expect(await allOf({ kind: "network", value })).toEqual([{ roomId: room(), seqs: [seq], isInbox: false }]);
    expect(await allOf({ kind: "network", value: "cccccccc" })).toEqual([]);
  });
});

test("erasing everything includes what its author writes meanwhile", async () => {
  // One connection at a time, so the order of the statements is known.
  const one = connect(database.url, { poolMax: 1 });
  const flo = { ...ann, id: "flo" };
  await enterRoom(db, room(1), { ...flo, skeleton: flo.id });
  for (let n = 0; n < 3; n += 1) await said(`flood ${n}`, flo, room(1));
  const meanwhile: Promise<unknown>[] = [];
  const erased = await erase(
    { db: one, wakeUps: postgresWakeUps(one, database.url) },
    {
      moderator: { by: "operator", byName: "operator" },
      what: { kind: "member", value: flo.id },
      onErased: () => {
        if (meanwhile.length > 0) return;
        // Its client id comes before those that were found.
        const draft: Draft = { roomId: room(1), kind: "message", member: flo, text: "flood 9", clientId: "a-first-1" };
        meanwhile.push(append(one, [draft]));
      },
    },
  );
  await Promise.all(meanwhile);
  expect(erased).toBe(4);
  expect(await rowsWith("flood")).toEqual([]);
  await one.destroy();
});

test("names are erased while others write, and of what is said meanwhile too", async () => {
  const zoe = { ...bob, id: "zoe", nickname: "Zoe", trip: "◆zoezoezoe" };
  await enterRoom(db, room(), { ...zoe, skeleton: zoe.id });
  for (let n = 0; n < 30; n += 1) await said("by Zoe", zoe);
  await said("by another");
  const named = () =>
    rowsOf<{ kind: string }>(db, "select kind from events where nickname = 'Zoe' or trip = ?", [zoe.trip]);
  const held = connect(database.url, { poolMax: 1 });
  const writer = await held.transaction();
  await writer.raw("select from rooms where id = ? for no key update", [room()]);
  const culprit = { kind: "member", value: "zoe" } as const;
  const parts: ErasedNames[] = [];
  const erasing = (async () => {
    for await (const part of eraseNames(db, { culprit, nameOf: () => "nobody" })) parts.push(part);
  })();
  // The newest stays until the room is free, so that an attempt that ends here can be repeated.
  await until("all but one are done", async () => (await named()).length === 1);
  await writer.raw(
    `insert into events (room_id, seq, kind, member_id, nickname, color, trip, client_id, text, at)
     select id, last_seq + 1, 'message', 'zoe', 'Zoe', '#0b57d0', ?, 'meanwhile', 'by Zoe', now() from rooms where id = ?`,
    [zoe.trip, room()],
  );
  await writer.raw("update rooms set last_seq = last_seq + 1 where id = ?", [room()]);
  await writer.commit();
  await erasing;
  const [part, ...more] = parts;
  expect(part?.events).toMatchObject([{ kind: "unname", member: { id: "zoe", nickname: "nobody" } }]);
  expect([more, await named()]).toEqual([[], []]);
  await held.destroy();
});

test("everything of a session includes all that has no client id, in parts of a hundred", async () => {
  const gil = { ...ann, id: "gil" };
  const row = { room_id: room(1), member_id: gil.id, nickname: "Gil", color: "#b3261e", at: new Date() };
  const { last_seq: head } = await db("rooms")
    .where({ id: room(1) })
    .first("last_seq");
  const rows = Array.from({ length: 210 }, (_, n) => ({
    ...row,
    seq: head + n + 1,
    kind: n % 3 === 0 ? "leave" : "notice",
    text: n % 3 === 0 ? null : `gil ${n}`,
  }));
  await db("events").insert(rows);
  await db("rooms")
    .where({ id: room(1) })
    .update({ last_seq: head + 210 });
  const parts = await allOf({ kind: "member", value: gil.id });
  expect(parts.map(({ seqs }) => seqs.length)).toEqual([100, 40]);
  expect(await allOf({ kind: "member", value: gil.id }, room())).toEqual([]);
  for (const part of parts) await eraseMessages(db, part);
  expect(await rowsWith("gil ")).toEqual([]);
  expect(await allOf({ kind: "member", value: gil.id })).toEqual([]);
});

test("a notice of the version before can be erased after the migration, and stays erased without it", async () => {
  const empty = await createEmptyDatabase();
  const old = connect(empty.url);
  const names = await migrationSource.getMigrations([]);
  const before = names.slice(0, names.indexOf("20261201000100_erased_notices"));
  const table = { tableName: "chattera_migrations" };
  await old.raw("create schema chattera");
  await old.migrate.latest({ migrationSource: { ...migrationSource, getMigrations: async () => before }, ...table });
  await old.transaction(async (tx) => applyFunctions(tx, await readFunctions()));
  const { id: roomId } = await old("rooms").first("id");
  const title = { ...ann, id: "owner" };
  const say = (text: string) =>
    old.transaction((tx) =>
      appendNotices(tx, { roomId, member: title, texts: [text] }, postgresWakeUps(old, empty.url)),
    );
  await say("unlawful title");
  await expect(eraseMessages(old, { roomId, seqs: [1] })).rejects.toThrow("events_change_check");
  await migrate(empty.url);
  expect(await eraseMessages(old, { roomId, seqs: [1] })).toMatchObject([{ kind: "erase", target: 1, seq: 2 }]);
  const first = () => old("events").where({ room_id: roomId, seq: 1 }).first("kind", "text", "change");
  expect(await first()).toEqual({ kind: "notice", text: null, change: "erased" });
  await old.migrate.down({ migrationSource, ...table });
  expect(await first()).toEqual({ kind: "notice", text: "", change: null });
  await old.destroy();
  await empty.drop();
});
