import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { readTalk, type Talk } from "../../db/log/read.ts";
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

/**
 * Makes a room whose log has these kinds of events: `m` a message, `e` an enter, `l` a leave, each
 * with the number of events.
 */
async function roomOf(slug: string, runs: string): Promise<number> {
  await makeRoom(db, { slug, title: slug, public: true });
  const [room] = await rowsOf<{ id: number }>(db, "select id from rooms where slug = ?", [slug]);
  const roomId = (room as { id: number }).id;
  let head = 0;
  for (const [, kind, count] of runs.matchAll(/([mel])(\d+)/g)) {
    const name = { m: "message", e: "enter", l: "leave" }[kind as "m"];
    await execute(
      db,
      `insert into events (room_id, seq, kind, member_id, nickname, color, at)
       select ?, ? + n, ?, 'ann', 'Ann', '#b3261e', now() from generate_series(1, ?::int) n`,
      [roomId, head, name, Number(count)],
    );
    head += Number(count);
  }
  await execute(db, "update rooms set last_seq = ? where id = ?", [head, roomId]);
  return roomId;
}

/** Describes a page: the first and last seq of each stretch without a gap, and what is skipped. */
function shapeOf({ events, skipped }: Talk): { stretches: number[][]; skipped: Talk["skipped"] } {
  const stretches: number[][] = [];
  for (const { seq } of events) {
    const last = stretches.at(-1);
    if (last && last[1] === seq - 1) last[1] = seq;
    else stretches.push([seq, seq]);
  }
  return { stretches, skipped };
}

describe("a page of talk", () => {
  test("has the newest messages, and the lines between and after them", async () => {
    const roomId = await roomOf("short", "m3e2m2l1m1e4");
    expect(shapeOf(await readTalk(db, { roomId, messages: 3 }))).toEqual({ stretches: [[6, 13]], skipped: [] });
    expect(shapeOf(await readTalk(db, { roomId, before: 6, messages: 2 }))).toEqual({
      stretches: [[2, 5]],
      skipped: [],
    });
  });

  test("continues page by page to the oldest event without a gap that is not named", async () => {
    const roomId = await roomOf("paged", "e120m4l300m1e70m9l2m30e60");
    const known = new Set<number>();
    let before = Number.MAX_SAFE_INTEGER;
    while (before > 1) {
      const { events, skipped } = await readTalk(db, { roomId, before, messages: 5 });
      const page = [...events.map(({ seq }) => seq), ...skipped.flatMap(({ first, last }) => rangeOf(first, last))];
      expect(page.every((seq) => seq < before && !known.has(seq))).toBe(true);
      for (const seq of page) known.add(seq);
      before = events[0]?.seq as number;
    }
    expect(known.size).toBe(120 + 4 + 300 + 1 + 70 + 9 + 2 + 30 + 60);
  });

  test("shortens a long run to its newest events, and counts the others", async () => {
    const roomId = await roomOf("long", "m1e60l40m1");
    expect(shapeOf(await readTalk(db, { roomId, messages: 2 }))).toEqual({
      stretches: [
        [1, 1],
        [52, 102],
      ],
      skipped: [{ first: 2, last: 51, enters: 50, leaves: 0 }],
    });
  });

  test("shows the oldest event of the log in any case, so that a reader sees that nothing is before it", async () => {
    const roomId = await roomOf("only-moves", "e51l1");
    const all = await readTalk(db, { roomId, messages: 50 });
    expect(shapeOf(all)).toEqual({
      stretches: [
        [1, 1],
        [3, 52],
      ],
      skipped: [{ first: 2, last: 2, enters: 1, leaves: 0 }],
    });
    expect(shapeOf(await readTalk(db, { roomId, before: 52, messages: 50 })).stretches).toEqual([[1, 51]]);
    expect(shapeOf(await readTalk(db, { roomId, before: 1, messages: 50 })).stretches).toEqual([]);
  });

  test("starts after the events that were pruned", async () => {
    const roomId = await roomOf("pruned", "m2e5m1");
    await execute(db, "update rooms set pruned_seq = 3 where id = ?", [roomId]);
    expect(shapeOf(await readTalk(db, { roomId, messages: 50 })).stretches).toEqual([[4, 8]]);
  });

  test("finds ten messages below very many lines without reading the lines", async () => {
    const roomId = await roomOf("huge", "m10e60000l60000");
    await execute(db, "vacuum analyze events");
    expect(shapeOf(await readTalk(db, { roomId, messages: 50 }))).toEqual({
      stretches: [
        [1, 10],
        [119_961, 120_010],
      ],
      skipped: [{ first: 11, last: 119_960 }],
    });
    expect(await blocksOf(roomId)).toBeLessThan(200);
  });
});

function rangeOf(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}

/** Returns how many blocks of the database a page of talk touches. */
async function blocksOf(roomId: number): Promise<number> {
  const [row] = await rowsOf<{ "QUERY PLAN": { Plan: { "Shared Hit Blocks": number } }[] }>(
    db,
    "explain (analyze, buffers, format json) select * from talk_page(?, 9007199254740991, 50, 500, 50, 5000)",
    [roomId],
  );
  return row?.["QUERY PLAN"][0]?.Plan["Shared Hit Blocks"] as number;
}
