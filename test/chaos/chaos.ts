import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type ChaosFindings, type ChaosMessage, check, type RoomLogs } from "./check.ts";
import { openClientReader, openSourceReader } from "./client-reader.ts";
import { FAULTS } from "./faults.ts";
import { plant } from "./plant.ts";
import { createRandom, type Random } from "./random.ts";
import { type ChaosReader, openReader, WAYS } from "./readers.ts";
import { closeRig, heal, keepLog, openRig, type Rig, ROOMS } from "./rig.ts";
import { startWriter, type Writer } from "./writers.ts";

/** The options of a run. */
export type ChaosPlan = {
  seed: number;
  seconds: number;
  /** The name of a planted bug. */
  bug?: string;
  /** Only the faults whose names begin with one of these. */
  faults?: string[];
  say(line: string): void;
};

/** The outcome of a run. */
export type ChaosReport = ChaosFindings & {
  faults: string[];
  acknowledged: number;
  unknown: number;
  deliveries: number;
  resets: number;
  /** The longest silences of the readers, in milliseconds. */
  blackoutMs: { p50: number; p99: number; max: number };
  logBytes: number;
};

const WRITERS = 6;
const PEOPLE = 1_000_000;

/** How long a fault lasts. In a long run some last long enough to send readers away. */
const SHORT_FAULT_MS = 1_500;
const LONG_FAULT_MS = 20_000;
const LONG_RUN_SECONDS = 120;
const PAUSE_MS = 1_500;

/** All readers have to be at the end of the log within this time after the last fault. */
const QUIET_MS = 60_000;

/** Runs a site under faults, and checks what its writers and readers saw. */
export async function runChaos(plan: ChaosPlan): Promise<ChaosReport> {
  const rig = await openRig(plan.bug === undefined ? undefined : await plant(plan.bug));
  const readers: ChaosReader[] = [];
  try {
    return await attend(rig, plan, readers);
  } finally {
    for (const reader of readers) reader.stop();
    await closeRig(rig);
  }
}

async function attend(rig: Rig, plan: ChaosPlan, readers: ChaosReader[]): Promise<ChaosReport> {
  // The people do not draw from the choices of the faults, whose order is the same in each run.
  const random = createRandom(plan.seed + PEOPLE);
  const urls = rig.nodes.map(({ url }) => url);
  const sent: ChaosMessage[] = [];
  await openReaders(rig, random, readers);
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, (_, number) =>
      startWriter({ number, urls, rooms: ROOMS, random, sent, logNumber: () => rig.logs.length - 1 }),
    ),
  );
  const faults = await strikeAll(rig, createRandom(plan.seed), plan);
  await heal(rig);
  await fallSilent(rig, writers);
  await untilQuiet(rig, readers);
  const records = readers.map(({ record }) => record);
  const findings = check({ logs: rig.logs, sent, readers: records });
  const received = records.flatMap((record) => record.received);
  return {
    ...findings,
    faults,
    acknowledged: sent.filter(({ ackedAt }) => ackedAt !== undefined).length,
    unknown: sent.filter(({ ackedAt }) => ackedAt === undefined).length,
    deliveries: received.filter(({ kind }) => kind === "event").length,
    resets: received.filter(({ kind }) => kind === "reset").length,
    blackoutMs: blackouts(records.map((record) => record.received.map(({ at }) => at))),
    logBytes: await sizeOfLogs(rig),
  };
}

async function openReaders(rig: Rig, random: Random, readers: ChaosReader[]): Promise<void> {
  const urls = rig.nodes.map(({ url }) => url);
  for (const room of ROOMS) {
    for (const [way, connection] of Object.entries(WAYS))
      readers.push(await openReader({ name: `${way} in ${room}`, way: connection, urls, room, random }));
    const url = random.pick(urls);
    readers.push(await openClientReader(`npm client in ${room}`, url, room));
    readers.push(await openSourceReader(`EventSource in ${room}`, url, room));
  }
}

/**
 * Stops the writers while no node is woken. After that, no message draws attention to the last
 * ones, so the nodes have to catch up on their own.
 */
async function fallSilent(rig: Rig, writers: Writer[]): Promise<void> {
  for (const { listener } of rig.nodes) listener.blackHole();
  await sleep(SHORT_FAULT_MS);
  for (const writer of writers) writer.stop();
  await Promise.all(writers.map(({ done }) => done));
  for (const { listener } of rig.nodes) {
    listener.cut();
    await listener.pass();
  }
}

/** Strikes with one fault after another, in an order that follows from the seed. */
async function strikeAll(rig: Rig, random: Random, plan: ChaosPlan): Promise<string[]> {
  const { seconds, faults = [""], say } = plan;
  const endAt = performance.now() + seconds * 1_000;
  const choice = FAULTS.filter(({ name }) => faults.some((start) => name.startsWith(start)));
  const struck: string[] = [];
  while (performance.now() < endAt) {
    for (const fault of shuffled(choice, random)) {
      await sleep(PAUSE_MS);
      if (performance.now() > endAt) break;
      say(fault.name);
      struck.push(fault.name);
      const isLong = seconds > LONG_RUN_SECONDS && random.next() < 0.2;
      await fault.strike(rig, random, isLong ? LONG_FAULT_MS : SHORT_FAULT_MS);
    }
  }
  await sleep(PAUSE_MS);
  return struck;
}

function shuffled<T>(list: T[], random: Random): T[] {
  const rest = list.slice();
  const order: T[] = [];
  while (rest.length > 0) order.push(...rest.splice(random.between(0, rest.length - 1), 1));
  return order;
}

/** Waits until all readers are at the end of the log, or for a minute. */
async function untilQuiet(rig: Rig, readers: ChaosReader[]): Promise<void> {
  const deadline = performance.now() + QUIET_MS;
  for (;;) {
    await keepLog(rig);
    const log = rig.logs.at(-1) as RoomLogs;
    const isBehind = ({ record: { room, received } }: ChaosReader) => {
      const last = received.at(-1);
      const head = log.get(room)?.at(-1)?.seq ?? 0;
      return (last?.kind === "event" ? last.seq : (last?.next ?? 0) - 1) < head;
    };
    if (!readers.some(isBehind) || performance.now() > deadline) return;
    await sleep(300);
  }
}

function blackouts(times: number[][]): ChaosReport["blackoutMs"] {
  const longest = times
    .map((at) => at.reduce((most, time, n) => Math.max(most, n === 0 ? 0 : time - (at[n - 1] as number)), 0))
    .toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(longest[Math.floor((longest.length - 1) * share)] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

async function sizeOfLogs({ nodes }: Rig): Promise<number> {
  const sizes = await Promise.all(nodes.map(async ({ log }) => (await stat(log).catch(() => undefined))?.size ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}
