import { expect, test } from "@jest/globals";
import { formatCursorIn, sumOf } from "../../protocol/cursor.ts";
import { startOf } from "../../server/delivery/positions.ts";
import { Tail } from "../../server/delivery/tail.ts";

const EPOCH = "k3x9";
const MEMBER = { id: "m1", nickname: "Ann", color: "#b3261e" };
const AT = "2026-11-22T12:34:56Z";
/** All events have the same author and time, and so the same checksum. */
const SUM = sumOf({ at: AT, member: MEMBER });
const LETTERS = formatCursorIn("", { room: 1, seq: 1, sum: SUM }).slice(1, 4);

/** Returns a tail that has the events after `after` up to `head` in memory. */
function tailOf(id: number, { after, head }: { after: number; head: number }): Tail {
  const room = `room-${id}`;
  const tail = new Tail({ id, slug: room, title: room }, EPOCH, after);
  for (let seq = after + 1; seq <= head; seq += 1)
    tail.append([{ room, seq, kind: "message", member: MEMBER, at: AT, text: `${seq}` }]);
  tail.sent = head;
  return tail;
}

/**
 * Returns the start of a reader of a room with the events 6 to 10 in memory, and the number of
 * queries for it.
 */
async function start(cursors: string[], { head, oldest } = { head: 10, oldest: 3 }) {
  let queries = 0;
  const log = {
    bounds: async () => {
      queries += 1;
      return { head, oldest, sum: SUM };
    },
    sumAt: async (_tail: Tail, seq: number) => {
      queries += 1;
      return seq === 4 ? SUM : undefined;
    },
  };
  const { seqs, resets } = await startOf(log, [tailOf(1, { after: 5, head: 10 })], { cursors });
  return { seqs, reasons: resets.map(({ reason }) => reason), queries };
}

test.each([
  ["at the head of the log without a cursor", [], { seqs: [10], reasons: [], queries: 1 }],
  ["at a cursor in memory, without a query", ["k3x9.1-7"], { seqs: [7], reasons: [], queries: 0 }],
  ["at the farther of two cursors", ["k3x9.1-9", "k3x9.1-6"], { seqs: [9], reasons: [], queries: 0 }],
  ["at the valid one of two cursors", ["!!!", "k3x9.1-6"], { seqs: [6], reasons: [], queries: 0 }],
  ["at the nearer cursor, from the future", ["k3x9.1-11", "k3x9.1-6"], { seqs: [6], reasons: [], queries: 2 }],
  ["at the nearer cursor, from another event", ["k3x9.zzz1-7", "k3x9.1-6"], { seqs: [6], reasons: [], queries: 2 }],
  ["at the head, from two futures", ["k3x9.1-12", "k3x9.1-11"], { seqs: [10], reasons: ["future"], queries: 1 }],
  ["at a cursor from before the tail", ["k3x9.1-3"], { seqs: [3], reasons: [], queries: 1 }],
  ["after the oldest event that is kept", ["k3x9.1-2"], { seqs: [2], reasons: [], queries: 1 }],
  [
    "before the oldest event that is kept, from an older one",
    ["k3x9.1-1"],
    { seqs: [2], reasons: ["pruned"], queries: 1 },
  ],
  ["at the head, from the future", ["k3x9.1-11"], { seqs: [10], reasons: ["future"], queries: 1 }],
  ["at the head, from another log", ["zzzz.1-7"], { seqs: [10], reasons: ["epoch"], queries: 1 }],
  ["at the head, from a cursor of another room", ["k3x9.2-7"], { seqs: [10], reasons: ["malformed"], queries: 1 }],
  ["at the head, from a malformed cursor", ["!!!"], { seqs: [10], reasons: ["malformed"], queries: 1 }],
  ["at a cursor of the event in memory", [`k3x9.${LETTERS}1-7`], { seqs: [7], reasons: [], queries: 0 }],
  ["at the head, from another event", ["k3x9.zzz1-7"], { seqs: [10], reasons: ["epoch"], queries: 1 }],
  ["at a cursor of an event in the log", [`k3x9.${LETTERS}1-4`], { seqs: [4], reasons: [], queries: 2 }],
  ["at the head, from another event than the log's", ["k3x9.zzz1-4"], { seqs: [10], reasons: ["epoch"], queries: 2 }],
  ["at an event that was just pruned", ["k3x9.zzz1-2"], { seqs: [2], reasons: [], queries: 1 }],
])("a reader starts %s", async (_where, cursors, expected) => {
  expect(await start(cursors)).toEqual(expected);
});

test("a cursor of the beginning is valid, whatever its checksum", async () => {
  expect(await start(["k3x9.zzz1-0"], { head: 10, oldest: 1 })).toEqual({ seqs: [0], reasons: [], queries: 1 });
});

test("a cursor ahead of the tail is valid if the log has come that far", async () => {
  expect(await start(["k3x9.1-11"], { head: 12, oldest: 3 })).toEqual({ seqs: [11], reasons: [], queries: 1 });
});

test("each reset contains the cursor of all rooms", async () => {
  const tails = [tailOf(1, { after: 0, head: 4 }), tailOf(2, { after: 0, head: 6 }), tailOf(3, { after: 0, head: 2 })];
  const rooms = { bounds: async ({ head }: Tail) => ({ head, oldest: 1, sum: SUM }), sumAt: async () => undefined };
  const { seqs, resets } = await startOf(rooms, tails, { cursors: ["k3x9.2-5"] });
  expect(seqs).toEqual([4, 5, 2]);
  const all = `k3x9.${LETTERS}1-4.${LETTERS}2-5.${LETTERS}3-2`;
  expect(resets).toEqual([
    { room: "room-1", reason: "malformed", cursor: all, oldest: 1, head: 4 },
    { room: "room-3", reason: "malformed", cursor: all, oldest: 1, head: 2 },
  ]);
});

test("a reader that starts at an event that the tail does not have yet gets a cursor with its checksum", async () => {
  const tail = tailOf(1, { after: 5, head: 10 });
  const log = { bounds: async () => ({ head: 12, oldest: 1, sum: SUM }), sumAt: async () => undefined };
  const { seqs, sums, resets } = await startOf(log, [tail], { cursors: ["zzzz.1-7"] });
  expect([seqs, sums]).toEqual([[12], [SUM]]);
  expect(resets).toMatchObject([{ cursor: `k3x9.${LETTERS}1-12` }]);
});
