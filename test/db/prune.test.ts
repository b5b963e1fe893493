import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { append, type Draft } from "../../db/log/append.ts";
import { pruneSlice } from "../../db/log/prune.ts";
import { readSince } from "../../db/log/read.ts";
import { findRooms, readBounds } from "../../db/log/rooms.ts";
import { connect } from "../../db/pool/connect.ts";
import { rowsOf } from "../../db/pool/statement.ts";
import { createDatabase } from "../support/database.ts";
import { enterRoom, makeRoom } from "../support/enter.ts";
import { until } from "../support/until.ts";

const ann = { id: "ann", nickname: "Ann", color: "#b3261e" };

let database: Awaited<ReturnType<typeof createDatabase>>;
let db: Knex;

beforeAll(async () => {
  database = await createDatabase();
  db = connect(database.url);
});

afterAll(async () => {
  await db.destroy();
  await database.drop();
});

/** Creates a room with Ann's enter event and this number of messages. */
async function roomWith(slug: string, messages: number): Promise<number> {
  await makeRoom(db, { slug, title: slug, public: true });
  const { id } = (await findRooms(db, [slug]))[0] as { id: number };
  await enterRoom(db, id, { ...ann, skeleton: slug });
  await say(id, slug, messages);
  return id;
}

async function say(roomId: number, key: string, messages: number) {
  const draft = (n: number): Draft => ({
    roomId,
    kind: "message",
    member: ann,
    text: `${n}`,
    clientId: `${key}-${n}-abcdef`,
  });
  return append(
    db,
    Array.from({ length: messages }, (_, n) => draft(n)),
  );
}

async function age(roomId: number, upTo: number, days: number): Promise<void> {
  await db("events")
    .where({ room_id: roomId })
    .where("seq", "<=", upTo)
    .update({ at: db.raw("now() - make_interval(days => ?)", [days]) });
}

async function seqsOf(roomId: number): Promise<number[]> {
  return (await readSince(db, new Map([[roomId, 0]]), 100_000)).map(({ event }) => event.seq);
}

test("older events are deleted, younger ones stay, and the bounds of the room move", async () => {
  const room = await roomWith("half", 9);
  await age(room, 6, 31);
  expect(await pruneSlice(db, 30)).toBe(6);
  expect(await pruneSlice(db, 30)).toBe(0);
  expect(await seqsOf(room)).toEqual([7, 8, 9, 10]);
  expect(await readBounds(db, room)).toMatchObject({ head: 10, oldest: 7 });
});

test("a room without any event left continues with the next seq", async () => {
  const room = await roomWith("empty", 2);
  await age(room, 3, 31);
  expect(await pruneSlice(db, 30)).toBe(3);
  expect(await readBounds(db, room)).toMatchObject({ head: 3, oldest: 4 });
  const [stored] = await say(room, "again", 1);
  expect(stored?.event.seq).toBe(4);
});

test("a message that is sent again after its first copy was deleted is stored again", async () => {
  const room = await roomWith("resent", 1);
  await age(room, 2, 31);
  expect(await pruneSlice(db, 30)).toBe(2);
  const [stored] = await say(room, "resent", 1);
  expect(stored).toMatchObject({ isNew: true, event: { seq: 3 } });
});

test("an old event behind a younger one, from a clock that was set back, leaves no hole", async () => {
  const room = await roomWith("clock", 4);
  await age(room, 5, 31);
  await db("events").where({ room_id: room, seq: 3 }).update({ at: db.fn.now() });
  expect(await pruneSlice(db, 30)).toBe(2);
  expect(await pruneSlice(db, 30)).toBe(0);
  expect(await seqsOf(room)).toEqual([3, 4, 5]);
});

test("many events are deleted slice by slice", async () => {
  const room = await roomWith("many", 0);
  for (let n = 0; n < 6; n += 1) await say(room, `slice-${n}`, 250);
  await age(room, 1501, 31);
  expect([await pruneSlice(db, 30), await pruneSlice(db, 30), await pruneSlice(db, 30)]).toEqual([1000, 501, 0]);
});

test("while one node prunes, another one does not", async () => {
  const room = await roomWith("two", 1);
  await age(room, 2, 31);
  await db.transaction(async (tx) => {
    expect(await pruneSlice(tx, 30)).toBe(2);
    expect(await pruneSlice(db, 30)).toBeUndefined();
  });
});

test("pruned events are not read again, and events deleted by hand do not count as kept", async () => {
  const room = await roomWith("looked", 5);
  await age(room, 3, 31);
  expect(await pruneSlice(db, 30)).toBe(3);
  expect(await db("rooms").where({ id: room }).first("pruned_seq", "last_seq")).toEqual({ pruned_seq: 3, last_seq: 6 });
  await db("events").where({ room_id: room, seq: 4 }).delete();
  expect(await readBounds(db, room)).toMatchObject({ head: 6, oldest: 5 });
  expect(await seqsOf(room)).toEqual([5, 6]);
});

test("a message posted while a slice is deleted waits for the commit only", async () => {
  const room = await roomWith("busy", 3);
  await age(room, 2, 31);
  await db.transaction(async (tx) => {
    // The slice waits for this row, and has not locked the room's row yet.
    await tx("events").where({ room_id: room, seq: 2 }).forUpdate();
    const pruning = pruneSlice(db, 30);
    await until("the slice waits", async () => (await rowsOf(db, WAITING)).length > 0);
    expect((await say(room, "meanwhile", 1))[0]?.event.seq).toBe(5);
    await tx.commit();
    expect(await pruning).toBe(2);
  });
});

const WAITING = `
  select from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock' and query like '%delete from events%'`;
