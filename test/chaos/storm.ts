import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChaosMessage } from "./check.ts";
import type { ChaosFault } from "./fault.ts";
import { untilAtEnd } from "./quiet.ts";
import type { Random } from "./random.ts";
import { type ChaosReader, type Connection, openReader, WAYS } from "./readers.ts";
import { asSuperuser, openRoom, type Rig, ROOMS } from "./rig.ts";
import { openSession, sendOnce } from "./writers.ts";

const WRITERS = 20;
const BATCH = 10;

/** Each writer sends its messages at this pace, 1,000 a second in all. */
const PAUSE_MS = 200;

/** A storm lasts for this long at least, and at most. */
const LEAST_MS = 5_000;
const MOST_MS = 30_000;

/** A commit that takes longer is a stall. */
const STALL_MS = 1_000;

/** [PostgreSQL, NOTIFY] The share of the queue that may be in use. */
const QUEUE = 0.01;

const STORM_ROOMS = Array.from({ length: 100 - ROOMS.length }, (_, n) => `storm-${n + 1}`);

/** The rooms of the storm in which somebody reads. */
const READ_ROOMS = STORM_ROOMS.slice(0, 5);

/** A storm: up to 1,000 messages a second in 100 rooms. */
export const STORM_FAULTS: ChaosFault[] = [
  {
    name: "F20 a storm of messages",
    goal: "no commit takes longer than a second, and the notification queue is below 1 %",
    recoverMs: 3_000,
    isSlow: true,
    strike: storm,
  },
];

async function storm(rig: Rig, random: Random, forMs: number): Promise<void> {
  const urls = rig.nodes.map(({ url }) => url);
  const readers = await openRooms(rig, random);
  const before = rig.sent.length;
  const endAt = performance.now() + Math.min(MOST_MS, Math.max(LEAST_MS, 1.5 * forMs));
  const tookMs: number[] = [];
  const write = async (number: number) => {
    const name = `storm ${before}-${number}`;
    const token = await openSession(urls, name);
    for (let n = 1; performance.now() < endAt; ) {
      const room = random.pick([...STORM_ROOMS, ...ROOMS]);
      const messages = Array.from({ length: BATCH }, () => draft(rig, room, `${name} says ${n++}`));
      const startedAt = performance.now();
      const sending = { manner: "batch", token, messages } as const;
      while (!(await sendOnce(random.pick(urls), sending, rig))) await sleep(random.between(100, 600));
      tookMs.push(performance.now() - startedAt);
      await sleep(Math.max(0, PAUSE_MS - (performance.now() - startedAt)));
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, number) => write(number)));
  const [row] = await asSuperuser(rig, "select pg_notification_queue_usage() as usage");
  await endReaders(rig, readers);
  judge(rig, { count: rig.sent.length - before, tookMs, usage: Number(row?.usage) });
}

function judge(rig: Rig, { count, tookMs, usage }: { count: number; tookMs: number[]; usage: number }): void {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
  rig.say(`F20: ${count} messages; a batch took ${at(0.5)} ms (p50), ${at(0.99)} ms (p99), ${at(1)} ms (max)`);
  if (at(1) > STALL_MS) rig.missed.push(`a batch took ${at(1)} ms`);
  if (usage >= QUEUE) rig.missed.push(`the notification queue is at ${Math.round(100 * usage)} %`);
}

function draft({ sent }: Rig, room: string, text: string): ChaosMessage {
  const message = { room, id: randomUUID(), text, sentAt: performance.now(), seqs: [], inLog: 0 };
  sent.push(message);
  return message;
}

/** Makes the rooms that are not there, as before the first storm. Returns readers of some. */
async function openRooms({ nodes, readers }: Rig, random: Random): Promise<ChaosReader[]> {
  const urls = nodes.map(({ url }) => url);
  for (const slug of STORM_ROOMS) await openRoom(random.pick(urls), slug);
  const opened: ChaosReader[] = [];
  for (const room of READ_ROOMS)
    opened.push(await openReader({ name: `sse in ${room}`, way: WAYS.sse as Connection, urls, room, random }));
  readers.push(...opened);
  return opened;
}

/** An older copy of the data may lack the rooms, so nobody reads there after the storm. */
async function endReaders(rig: Rig, readers: ChaosReader[]): Promise<void> {
  await untilAtEnd(rig, readers);
  for (const { record, stop } of readers) {
    stop();
    record.isLive = false;
  }
}
