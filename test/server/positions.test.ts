import { expect, test } from "@jest/globals";
import { startOf } from "../../server/delivery/positions.ts";
import { Tail } from "../../server/delivery/tail.ts";

const EPOCH = "k3x9";
const MEMBER = { id: "m1", nickname: "Ann", color: "#b3261e" };

/** Returns a tail that has the events after `after` up to `head` in memory. */
function tailOf(id: number, { after, head }: { after: number; head: number }): Tail {
  const room = `room-${id}`;
  const tail = new Tail({ id, slug: room, title: room }, EPOCH, after);
  for (let seq = after + 1; seq <= head; seq += 1)
    tail.append([{ room, seq, kind: "message", member: MEMBER, at: "2026-11-22T12:34:56Z", text: `${seq}` }]);
  tail.sent = head;
  return tail;
}

/**
 * Returns the start of a reader of a room with the events 6 to 10 in memory, and the number of
 * queries for it.
 */
async function start(cursors: string[], bounds = { head: 10, oldest: 3 }) {
  let queries = 0;
  const rooms = {
    bounds: async () => {
      queries += 1;
      return bounds;
    },
  };
  const { seqs, resets } = await startOf(rooms, [tailOf(1, { after: 5, head: 10 })], cursors);
  return { seqs, reasons: resets.map(({ reason }) => reason), queries };
}

test.each([
  ["at the head of the log without a cursor", [], { seqs: [10], reasons: [], queries: 1 }],
  ["at a cursor in memory, without a query", ["k3x9.1-7"], { seqs: [7], reasons: [], queries: 0 }],
  ["at the farther of two cursors", ["k3x9.1-9", "k3x9.1-6"], { seqs: [9], reasons: [], queries: 0 }],
  ["at the valid one of two cursors", ["!!!", "k3x9.1-6"], { seqs: [6], reasons: [], queries: 0 }],
  ["at a cursor from before the tail", ["k3x9.1-3"], { seqs: [3], reasons: [], queries: 1 }],
  ["after the oldest event that is kept", ["k3x9.1-2"], { seqs: [2], reasons: [], queries: 1 }],
  ["at the head, from an older event", ["k3x9.1-1"], { seqs: [10], reasons: ["pruned"], queries: 1 }],
  ["at the head, from the future", ["k3x9.1-11"], { seqs: [10], reasons: ["future"], queries: 1 }],
  ["at the head, from another log", ["zzzz.1-7"], { seqs: [10], reasons: ["epoch"], queries: 1 }],
  ["at the head, from a cursor of another room", ["k3x9.2-7"], { seqs: [10], reasons: ["malformed"], queries: 1 }],
  ["at the head, from a malformed cursor", ["!!!"], { seqs: [10], reasons: ["malformed"], queries: 1 }],
])("a reader starts %s", async (_where, cursors, expected) => {
  expect(await start(cursors)).toEqual(expected);
});

test("a cursor ahead of the tail is valid if the log has come that far", async () => {
  expect(await start(["k3x9.1-11"], { head: 12, oldest: 3 })).toEqual({ seqs: [11], reasons: [], queries: 1 });
});

test("each reset contains the cursor of all rooms", async () => {
  const tails = [tailOf(1, { after: 0, head: 4 }), tailOf(2, { after: 0, head: 6 }), tailOf(3, { after: 0, head: 2 })];
  const rooms = { bounds: async ({ head }: Tail) => ({ head, oldest: 1 }) };
  const { seqs, resets } = await startOf(rooms, tails, ["k3x9.2-5"]);
  expect(seqs).toEqual([4, 5, 2]);
  expect(resets).toEqual([
    { room: "room-1", reason: "malformed", cursor: "k3x9.1-4.2-5.3-2", oldest: 1, head: 4 },
    { room: "room-3", reason: "malformed", cursor: "k3x9.1-4.2-5.3-2", oldest: 1, head: 2 },
  ]);
});
