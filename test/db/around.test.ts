import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { findMessageAt, findSeqAt, readAround, readEvent } from "../../db/log/around.ts";
import { connect } from "../../db/pool/connect.ts";
import { execute, rowsOf } from "../../db/pool/statement.ts";
import { createDatabase } from "../support/database.ts";
import { makeRoom } from "../support/enter.ts";

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

const KINDS = { m: "message", n: "notice", e: "enter" };

/**
 * Makes a room with these events, one a minute from midnight: `m` a message, `n` a notice, `e` an
 * enter.
 */
async function roomOf(slug: string, runs: string): Promise<number> {
  await makeRoom(db, { slug, title: slug, public: true });
  const [room] = await rowsOf<{ id: number }>(db, "select id from rooms where slug = ?", [slug]);
  const roomId = (room as { id: number }).id;
  let head = 0;
  for (const [, kind, count] of runs.matchAll(/([men])(\d+)/g)) {
    await execute(
      db,
      `insert into events (room_id, seq, kind, member_id, nickname, color, text, at)
       select ?, ? + n, ?, 'ann', 'Ann', '#b3261e', ?, '2026-11-30T00:00:00Z'::timestamptz + (? + n) * interval '1 minute'
       from generate_series(1, ?::int) n`,
      [roomId, head, KINDS[kind as keyof typeof KINDS], kind === "e" ? null : "said", head, Number(count)],
    );
    head += Number(count);
  }
  await execute(db, "update rooms set last_seq = ? where id = ?", [head, roomId]);
  return roomId;
}

const minute = (n: number) => new Date(Date.parse("2026-11-30T00:00:00Z") + n * 60_000);
const around = { before: 2, after: 2 };

describe("the log around an event", () => {
  test("has messages before it and after it, and says whether anything follows", async () => {
    const roomId = await roomOf("around", "m10");
    const seqs = async (seq: number) => (await readAround(db, { roomId, seq, ...around })).events.map((one) => one.seq);
    expect(await seqs(5)).toEqual([3, 4, 5, 6, 7]);
    expect(await seqs(1)).toEqual([1, 2, 3]);
    expect(await seqs(10)).toEqual([8, 9, 10]);
    expect((await readAround(db, { roomId, seq: 7, ...around })).isNewest).toBe(false);
    expect((await readAround(db, { roomId, seq: 8, ...around })).isNewest).toBe(true);
    expect((await readAround(db, { roomId, seq: 9, before: 0, after: 0 })).isNewest).toBe(false);
    expect((await readAround(db, { roomId, seq: 10, before: 0, after: 0 })).isNewest).toBe(true);
  });

  test("has the event, however many notices follow it", async () => {
    const roomId = await roomOf("notices", "m5n20m5");
    const { events, isNewest } = await readAround(db, { roomId, seq: 4, ...around });
    expect([events.map((one) => one.seq), isNewest]).toEqual([[2, 3, 4, 5, 6], false]);
  });

  test("has an event in a long run of coming and going, which is cut around it", async () => {
    const roomId = await roomOf("run", "m5e300m5");
    const { events, skipped } = await readAround(db, { roomId, seq: 100, ...around });
    expect(events.map((one) => one.seq)).toContain(100);
    const left = skipped.map(({ first, last }) => [first, last]);
    expect(left.some(([, last]) => last === 99)).toBe(true);
    expect(left.some(([first]) => first === 101)).toBe(true);
    const shown = events.map((one) => one.seq);
    const all = [...shown, ...left.flatMap(([first = 0, last = 0]) => range(first, last))].sort((a, b) => a - b);
    expect(all).toEqual(range(all[0] as number, all.at(-1) as number));
  });

  test("has no event that the log does not have", async () => {
    const roomId = await roomOf("gone", "m10");
    await execute(db, "update rooms set pruned_seq = 3 where id = ?", [roomId]);
    await execute(db, "delete from events where room_id = ? and seq <= 3", [roomId]);
    expect(await readEvent(db, roomId, 11)).toBeUndefined();
    expect(await readEvent(db, roomId, 3)).toBeUndefined();
    expect((await readEvent(db, roomId, 4))?.seq).toBe(4);
  });
});

describe("the first event at a moment", () => {
  test("is found by halving, at the edges too", async () => {
    const roomId = await roomOf("moments", "m2e3m5");
    const at = (n: number) => findSeqAt(db, roomId, minute(n));
    expect(await Promise.all([0, 1, 1.5, 4, 10].map(at))).toEqual([1, 1, 2, 4, 10]);
    expect(await at(10.5)).toBeUndefined();
    expect(await findMessageAt(db, roomId, minute(3))).toBe(6);
    expect(await findMessageAt(db, roomId, minute(11))).toBeUndefined();
  });

  test("is the oldest that is kept, if all before it are pruned", async () => {
    const roomId = await roomOf("pruned-moments", "m10");
    await execute(db, "update rooms set pruned_seq = 6 where id = ?", [roomId]);
    await execute(db, "delete from events where room_id = ? and seq <= 6", [roomId]);
    expect(await findSeqAt(db, roomId, minute(2))).toBe(7);
  });
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}
