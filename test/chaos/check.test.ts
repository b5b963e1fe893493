import { expect, test } from "@jest/globals";
import { type ChaosMessage, check, type LoggedEvent, type ReceivedFrame, type Run } from "./check.ts";
import { createRandom } from "./random.ts";

/** The log of a room with these texts, from seq 1 on. */
function logOf(...texts: string[]): Map<string, LoggedEvent[]> {
  return new Map([["lobby", texts.map((text, n) => ({ seq: n + 1, id: `id ${text}`, text }))]]);
}

function sentOf(text: string, more: Partial<ChaosMessage> = {}): ChaosMessage {
  return { room: "lobby", id: `id ${text}`, text, sentAt: 0, ackedAt: 1, seqs: [1], inLog: 0, ...more };
}

function readerOf(received: ReceivedFrame[], start = 0) {
  return { name: "one", room: "lobby", start, received, isLive: true };
}

function event(seq: number, text: string): ReceivedFrame {
  return { kind: "event", seq, id: `id ${text}`, text, at: 0 };
}

/** Two messages that one reader got. */
const SOUND: Run = {
  logs: [logOf("a", "b")],
  sent: [sentOf("a"), sentOf("b", { seqs: [2], sentAt: 2, ackedAt: 3 })],
  readers: [readerOf([event(1, "a"), event(2, "b")])],
};

/** Returns the names of the faults that are found. */
function found(change: Partial<Run>): string[] {
  const { counts } = check({ ...SOUND, ...change });
  return Object.entries(counts).flatMap(([name, count]) => (count > 0 ? [name] : []));
}

test("a sound run has no fault", () => {
  expect(found({})).toEqual([]);
});

test.each<[string, Partial<Run>]>([
  ["lost", { sent: [...SOUND.sent, sentOf("c", { sentAt: 4, ackedAt: 5, seqs: [3] })] }],
  ["storedTwice", { logs: [logOf("a", "b", "b")], readers: [] }],
  ["twoReceipts", { sent: [sentOf("a", { seqs: [1, 2] }), sentOf("b", { seqs: [2], sentAt: 2, ackedAt: 3 })] }],
  ["fabricated", { logs: [logOf("a", "b", "never sent")], readers: [] }],
  ["doubled", { readers: [readerOf([event(1, "a"), event(1, "a"), event(2, "b")])] }],
  ["silentGaps", { readers: [readerOf([event(2, "b")])] }],
  ["changed", { readers: [readerOf([event(1, "a"), event(2, "another")])] }],
  ["behind", { readers: [readerOf([event(1, "a")])] }],
])("a run with a fault of the kind %s is found out", (fault, change) => {
  expect(found(change)).toEqual([fault]);
});

test("a hole in the log is found", () => {
  const [first, , third] = logOf("a", "b", "c").get("lobby") as LoggedEvent[];
  const logs = [new Map([["lobby", [first as LoggedEvent, third as LoggedEvent]]])];
  expect(found({ logs, sent: [sentOf("a"), sentOf("c", { ackedAt: undefined as never })], readers: [] })).toEqual([
    "holesInLog",
  ]);
});

test("a message that was acknowledged before another was sent must not come after it", () => {
  const sent = [sentOf("a", { seqs: [2] }), sentOf("b", { seqs: [1], sentAt: 2, ackedAt: 3 })];
  expect(found({ logs: [logOf("b", "a")], sent, readers: [] })).toEqual(["againstRealTime"]);
});

test("a reset excuses a gap, and the next event has to be the one that it names", () => {
  const reset: ReceivedFrame = { kind: "reset", next: 2, at: 0 };
  expect(found({ readers: [readerOf([reset, event(2, "b")])] })).toEqual([]);
  expect(found({ readers: [readerOf([{ ...reset, next: 1 }, event(2, "b")])] })).toEqual(["silentGaps"]);
});

test("a message that was acknowledged in a log that is gone is looked for there", () => {
  const logs = [logOf("a", "b"), logOf("a")];
  const reset: ReceivedFrame = { kind: "reset", next: 2, at: 0 };
  const readers = [readerOf([event(1, "a"), event(2, "b"), reset])];
  expect(found({ logs, readers })).toEqual([]);
  // Without the reset, the reader never learns that its messages are gone.
  expect(found({ logs, readers: [readerOf([event(1, "a"), event(2, "b")])] })).toEqual(["behind"]);
});

test("a seed always leads to the same choices", () => {
  const choices = (seed: number) => Array.from({ length: 20 }, createRandom(seed).next);
  expect(choices(7)).toEqual(choices(7));
  expect(choices(7)).not.toEqual(choices(8));
});
