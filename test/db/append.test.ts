import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { append, type Draft } from "../../db/log/append.ts";
import { createGroupCommit } from "../../db/log/group-commit.ts";
import { readSince } from "../../db/log/read.ts";
import { findRooms } from "../../db/log/rooms.ts";
import { WAKE_UP_CHANNEL, type WakeUps } from "../../db/log/wake-ups.ts";
import { connect } from "../../db/pool/connect.ts";
import { listen } from "../../db/pool/listen.ts";
import { rowsOf } from "../../db/pool/statement.ts";
import { createDatabase } from "../support/database.ts";
import { enterRoom, makeRoom } from "../support/enter.ts";
import { until } from "../support/until.ts";

const ann = { id: "ann", nickname: "Ann", color: "#b3261e" };
const bob = { id: "bob", nickname: "Bob", color: "#0b57d0", trip: "◆abc" };
const stranger = { id: "eve", nickname: "Eve", color: "#0b57d0" };

let database: Awaited<ReturnType<typeof createDatabase>>;
let one: Knex;
let two: Knex;
let rooms: number[];
let count = 0;

beforeAll(async () => {
  database = await createDatabase();
  one = connect(database.url);
  two = connect(database.url);
  const slugs = ["a", "b", "c", "d", "e", "f"];
  for (const slug of slugs) await makeRoom(one, { slug, title: slug, public: true });
  rooms = (await findRooms(one, slugs)).map((room) => room.id);
  for (const room of rooms)
    for (const member of [ann, bob]) await enterRoom(one, room, { ...member, skeleton: member.id });
});

afterAll(async () => {
  await one.destroy();
  await two.destroy();
  await database.drop();
});

function nextId(): string {
  count += 1;
  return `client-${count}`;
}

const draft = (roomId: number, text: string, more: { clientId?: string; member?: Draft["member"] } = {}): Draft => ({
  roomId,
  kind: "message",
  member: ann,
  text,
  clientId: nextId(),
  ...more,
});

const groupCommit = (onBatch: (size: number) => void = () => undefined) =>
  createGroupCommit(one, { roomMembers: 2_000, queueFull: () => new Error("full"), onBatch });

async function logOf(roomId: number) {
  return (await readSince(one, new Map([[roomId, 0]]), 100_000)).map((stored) => stored.event);
}

describe("append", () => {
  test("numbers each event with the next seq of its room, and returns its text unchanged", async () => {
    const text = "<b>こんにちは</b> 👨‍👩‍👧 \t\n' \" \\ \u2028 end";
    const [stored] = await append(one, [draft(rooms[0] as number, text, { clientId: "first-one", member: bob })]);
    expect(stored?.event).toMatchObject({ room: "a", seq: 3, kind: "message", member: bob, text, id: "first-one" });
    expect(await logOf(rooms[0] as number)).toContainEqual(stored?.event);
  });

  test("answers a resend with the first copy, whatever its text and its room", async () => {
    const [first] = await append(one, [draft(rooms[0] as number, "first", { clientId: "again-1" })]);
    const [same] = await append(two, [draft(rooms[0] as number, "other text", { clientId: "again-1" })]);
    const [elsewhere] = await append(two, [draft(rooms[1] as number, "first", { clientId: "again-1" })]);
    expect(first?.isNew).toBe(true);
    expect([same, elsewhere]).toEqual([
      { ...first, isNew: false },
      { ...first, isNew: false },
    ]);
  });

  test("keeps the client ids of different members apart", async () => {
    const [anns] = await append(one, [draft(rooms[0] as number, "mine", { clientId: "shared-id", member: ann })]);
    const [bobs] = await append(one, [draft(rooms[0] as number, "mine too", { clientId: "shared-id", member: bob })]);
    expect(bobs?.isNew).toBe(true);
    expect(bobs?.event.seq).toBe((anns?.event.seq as number) + 1);
  });

  test("stores a client id once, even if it is twice in a batch", async () => {
    const [first, second] = await append(one, [
      draft(rooms[0] as number, "x", { clientId: "twice-in-batch" }),
      draft(rooms[0] as number, "x", { clientId: "twice-in-batch" }),
    ]);
    expect(first?.isNew).toBe(true);
    expect(second).toEqual({ ...first, isNew: false });
  });

  test("stores no message of someone who is not in the room, and uses no seq for it", async () => {
    const before = (await logOf(rooms[2] as number)).length;
    const [refused, stored] = await append(one, [
      draft(rooms[2] as number, "let me in", { clientId: "stranger-1", member: stranger }),
      draft(rooms[2] as number, "hello", { clientId: "stranger-2" }),
    ]);
    expect(refused).toBeUndefined();
    expect(stored?.event.seq).toBe(before + 1);
  });
});

describe("appends at the same time", () => {
  test("leave no gap, no duplicate and no deadlock with two nodes, six rooms, parallel resends and crossing batches", async () => {
    const ids = Array.from({ length: 120 }, (_, n) => `cross-${n}`);
    const send = (db: Knex, order: string[]) =>
      Promise.all(
        Array.from({ length: 12 }, (_, batch) =>
          withRetry(() =>
            append(
              db,
              order
                .slice(batch * 10, batch * 10 + 10)
                .map((id) => draft(rooms[Number(id.slice(6)) % rooms.length] as number, id, { clientId: id })),
            ),
          ),
        ),
      );
    const answers = await Promise.all([send(one, ids), send(two, [...ids].reverse()), send(two, ids)]);
    const seqOf = new Map<string, string>();
    let fresh = 0;
    for (const stored of answers.flat(2)) {
      const key = stored?.event.id as string;
      const place = `${stored?.roomId} ${stored?.event.seq}`;
      expect(seqOf.get(key) ?? place).toBe(place);
      seqOf.set(key, place);
      if (stored?.isNew) fresh += 1;
    }
    expect(seqOf.size).toBe(ids.length);
    expect(fresh).toBe(ids.length);
    for (const room of rooms) {
      const log = await logOf(room);
      expect(log.map((event) => event.seq)).toEqual(log.map((_, index) => index + 1));
    }
  });
});

describe("the wake-up of an append", () => {
  test("is published over a message bus after the commit, but not after a rollback or for a resend", async () => {
    const published: string[] = [];
    const readable: Promise<number>[] = [];
    const room = rooms[0] as number;
    const publish = async (_: string, payload: string) => {
      published.push(payload);
      readable.push(logOf(room).then((log) => log.length));
    };
    const wakeUps: WakeUps = { isNotify: false, listen: () => Promise.reject(), publish };
    const before = (await logOf(room)).length;
    const [first] = await append(one, [draft(room, "one"), draft(room, "two")], wakeUps);
    await append(one, [draft(room, "one", { clientId: first?.event.id as string })], wakeUps);
    const rolledBack = one.transaction(async (tx) => {
      await append(tx, [draft(room, "rolled back")], wakeUps);
      throw new Error("changed my mind");
    });
    await expect(rolledBack).rejects.toThrow("changed my mind");
    await one.transaction(async (tx) => {
      await append(tx, [draft(room, "in a transaction")], wakeUps);
      await logOf(room);
      expect(published).toHaveLength(1);
    });
    await until("the second append is published", () => published.length === 2);
    expect(published).toEqual([`${room}:${before + 2}`, `${room}:${before + 3}`]);
    expect(await Promise.all(readable)).toEqual([before + 2, before + 3]);
  });

  test("is one notification, and names only rooms with new events", async () => {
    const heard: string[] = [];
    const listener = await listen(database.url, {
      channels: [WAKE_UP_CHANNEL],
      onNotification: (_, payload) => heard.push(payload),
      onEnd: () => undefined,
    });
    const [first, , third] = await append(one, [
      draft(rooms[0] as number, "secret"),
      draft(rooms[0] as number, "secret"),
      draft(rooms[1] as number, "secret"),
    ]);
    await append(one, [draft(rooms[0] as number, "secret", { clientId: first?.event.id as string })]);
    await one.raw("select pg_notify(?, 'end')", [WAKE_UP_CHANNEL]);
    while (heard.at(-1) !== "end") await new Promise((resolve) => setImmediate(resolve));
    await listener.close();
    const news = `${rooms[0]}:${(first?.event.seq as number) + 1} ${rooms[1]}:${third?.event.seq}`;
    expect(heard).toEqual([news, "end"]);
  });
});

describe("reading", () => {
  test("returns the events of several rooms after their positions, each in order and up to the limit", async () => {
    const asked = new Map([
      [rooms[3] as number, 1],
      [rooms[4] as number, 0],
    ]);
    const stored = await readSince(one, asked, 2);
    expect(stored.map((row) => [row.roomId, row.event.seq])).toEqual([
      [rooms[3], 2],
      [rooms[3], 3],
      [rooms[4], 1],
      [rooms[4], 2],
    ]);
  });
});

test("appending and reading look up their own rooms only, also with a plan from when there were few rooms", async () => {
  const young = await createDatabase();
  const db = connect(young.url, { poolMax: 1 });
  const [lobby] = await findRooms(db, ["lobby"]);
  const { id } = lobby as { id: number };
  await enterRoom(db, id, { ...ann, skeleton: "ann" });
  const appendAndRead = async (on: Knex) => {
    await append(on, [draft(id, "hello")]);
    return readSince(on, new Map([[id, 0]]), 100);
  };
  await appendAndRead(db);
  await db.raw("insert into rooms (slug, title) select 'room-' || n, n from generate_series(1, 1000) n");
  await db.transaction(async (transaction) => {
    expect(await appendAndRead(transaction)).toHaveLength(3);
    const [rooms] = await rowsOf<{ read: number }>(
      transaction,
      "select idx_tup_fetch + seq_tup_read as read from pg_stat_xact_user_tables where relname = 'rooms'",
    );
    expect(rooms?.read).toBeLessThan(20);
  });
  await db.destroy();
  await young.drop();
});

test("after a connection has lost a statement's name, statements run without names", async () => {
  const young = await createDatabase();
  const db = connect(young.url, { poolMax: 1 });
  const names: unknown[] = [];
  db.on("query", ({ options }) => names.push(options?.name));
  const [lobby] = await findRooms(db, ["lobby"]);
  const { id } = lobby as { id: number };
  const texts = async () => (await readSince(db, new Map([[id, 0]]), 100)).map(({ event }) => event.text);
  await enterRoom(db, id, { ...ann, skeleton: "ann" });
  await append(db, [draft(id, "one")]);
  expect(names.at(-1)).toMatch(/^chattera_/);
  await db.raw("deallocate all");
  await append(db, [draft(id, "two")]);
  await append(db, [draft(id, "three")]);
  expect(names.at(-1)).toBeUndefined();
  expect(await texts()).toEqual([undefined, "one", "two", "three"]);
  await db.destroy();
  await young.drop();
});

describe("group commit", () => {
  test("commits a single message at once, and those that arrive meanwhile together, in order", async () => {
    const batches: number[] = [];
    const commit = groupCommit((size) => batches.push(size));
    const stored = await Promise.all(
      Array.from({ length: 50 }, (_, n) => commit.append(draft(rooms[0] as number, `group ${n}`))),
    );
    expect(batches).toEqual([1, 49]);
    const seqs = stored.map((row) => row?.event.seq as number);
    expect(seqs).toEqual(seqs.map((_, n) => (seqs[0] as number) + n));
  });

  test("keeps patient messages waiting, and commits them with the first one that has no patience", async () => {
    const batches: number[] = [];
    const commit = groupCommit((size) => batches.push(size));
    const patient = commit.append(draft(rooms[0] as number, "patient"), 60_000);
    const morePatient = commit.append(draft(rooms[0] as number, "more patient"), 70_000);
    expect(commit.waiting()).toBe(2);
    const hasty = commit.append(draft(rooms[0] as number, "hasty"));
    const [first, second, third] = (await Promise.all([patient, morePatient, hasty])).map((row) => row?.event.seq);
    expect(batches).toEqual([3]);
    expect([second, third]).toEqual([(first as number) + 1, (first as number) + 2]);
  });

  test("commits a patient message alone when its time is over", async () => {
    const commit = groupCommit();
    const since = performance.now();
    const stored = await commit.append(draft(rooms[0] as number, "nobody joins"), 30);
    expect(stored?.isNew).toBe(true);
    expect(performance.now() - since).toBeGreaterThanOrEqual(29);
  });

  test("stores drafts that came together in one commit, in order, however many others wait", async () => {
    const batches: number[] = [];
    const commit = groupCommit((size) => batches.push(size));
    const texts = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name} ${n}`);
    const [room] = rooms as [number];
    const first = commit.append(draft(room, "first"));
    const others = texts("other", 240).map((text) => commit.append(draft(room, text)));
    const together = await commit.appendAll(texts("together", 30).map((text) => draft(room, text)));
    await Promise.all([first, ...others]);
    expect(batches).toEqual([1, 240, 30]);
    const seqs = together.map((row) => row?.event.seq as number);
    expect(seqs).toEqual(seqs.map((_, n) => (seqs[0] as number) + n));
    await expect(commit.appendAll(texts("flood", 2_001).map((text) => draft(room, text)))).rejects.toThrow("full");
  });

  test("refuses messages when the queue is full, and stores those it has accepted", async () => {
    const commit = groupCommit();
    const sent = Array.from({ length: 2_100 }, (_, n) => commit.append(draft(rooms[1] as number, `flood ${n}`)));
    const settled = await Promise.allSettled(sent);
    const refused = settled.filter((one) => one.status === "rejected");
    expect(refused.length).toBe(2_100 - 2_001);
    expect(refused.every((one) => String(one.reason).includes("full"))).toBe(true);
    expect(commit.waiting()).toBe(0);
  });

  test("rejects every message of a batch that fails, and continues with the next batch", async () => {
    const commit = groupCommit();
    const first = commit.append(draft(rooms[0] as number, "alone"));
    const broken = commit.append(draft(rooms[0] as number, "a\0b"));
    await first;
    await expect(broken).rejects.toThrow();
    expect((await commit.append(draft(rooms[0] as number, "after")))?.isNew).toBe(true);
  });
});

/** Retries after a collision, as the group commit does. These batches bypass it. */
async function withRetry<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if ((error as { constraint?: string }).constraint !== "events_client_id") throw error;
    return withRetry(work);
  }
}
