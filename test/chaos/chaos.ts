import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ALL_FAULTS } from "./all-faults.ts";
import { type ChaosFindings, check } from "./check.ts";
import { openClientReader, openSourceReader } from "./client-reader.ts";
import type { ChaosFault } from "./fault.ts";
import { type GoalReport, judgeGoals, type Strike } from "./goals.ts";
import { plant } from "./plant.ts";
import { untilAtEnd } from "./quiet.ts";
import { createRandom, type Random } from "./random.ts";
import { openReader, WAYS } from "./readers.ts";
import { closeRig, heal, openRig, type Rig, ROOMS } from "./rig.ts";
import { buildOlder } from "./upgrade.ts";
import { startWriter, type Writer } from "./writers.ts";

/** The options of a run. */
export type ChaosPlan = {
  seed: number;
  seconds: number;
  /** The name of a planted bug. */
  bug?: string;
  /** The numbers of the faults to strike with, by default all. */
  faults?: string[];
  say(line: string): void;
};

/** The outcome of a run. */
export type ChaosReport = ChaosFindings & {
  /** The names of the faults, in the order in which they were struck. */
  faults: string[];
  /** By fault. */
  goals: { [fault: string]: GoalReport };
  /** Why some faults were not struck. */
  skipped: { [fault: string]: string };
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

/** A run that is shorter than this has no slow faults, unless it names them. */
const SHORT_RUN_SECONDS = 60;

/** The faults of a run, and why others are not among them. */
type Choice = { faults: ChaosFault[]; skipped: ChaosReport["skipped"] };

/** Runs a site under faults, and checks what its writers and readers saw. */
export async function runChaos(plan: ChaosPlan): Promise<ChaosReport> {
  const choice = await choose(plan);
  const isOlder = choice.faults.some(({ isFirst }) => isFirst);
  const program = plan.bug !== undefined ? await plant(plan.bug) : isOlder ? await buildOlder() : undefined;
  const smallDisk = choice.faults.some(({ name }) => name.startsWith("F6 "));
  const rig = await openRig({ program, smallDisk, say: plan.say });
  try {
    return await attend(rig, plan, choice);
  } finally {
    for (const reader of rig.readers) reader.stop();
    await closeRig(rig);
  }
}

async function choose({ faults: named, seconds, bug }: ChaosPlan): Promise<Choice> {
  const skipped: Choice["skipped"] = {};
  const faults: ChaosFault[] = [];
  for (const fault of ALL_FAULTS) {
    const { name, isSlow, isFirst, lacks } = fault;
    if (named && !named.includes(name.split(" ")[0] as string)) continue;
    const reason =
      isSlow && !named && seconds < SHORT_RUN_SECONDS
        ? `takes longer than a run of ${seconds} s allows`
        : isFirst && bug !== undefined
          ? "the run has a planted bug"
          : lacks?.();
    if (reason === undefined) faults.push(fault);
    else skipped[name] = reason;
  }
  return { faults, skipped };
}

async function attend(rig: Rig, plan: ChaosPlan, { faults, skipped }: Choice): Promise<ChaosReport> {
  // The people do not draw from the choices of the faults, whose order is the same in each run.
  const random = createRandom(plan.seed + PEOPLE);
  const urls = rig.nodes.map(({ url }) => url);
  await openReaders(rig, urls, random);
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, (_, number) => startWriter({ number, urls, rooms: ROOMS, random, run: rig })),
  );
  const strikes = await strikeAll(rig, plan, faults);
  await heal(rig);
  await fallSilent(rig, writers);
  await untilAtEnd(rig, rig.readers);
  return { ...reportOn(rig), ...judgeGoals(faults, strikes, rig), skipped, logBytes: await sizeOfLogs(rig) };
}

/** Compares what was sent and received so far with the logs. */
export function reportOn({ logs, sent, readers }: Pick<Rig, "logs" | "sent" | "readers">) {
  const records = readers.map(({ record }) => record);
  const received = records.flatMap((record) => record.received);
  return {
    ...check({ logs, sent, readers: records }),
    acknowledged: sent.filter(({ ackedAt }) => ackedAt !== undefined).length,
    unknown: sent.filter(({ ackedAt }) => ackedAt === undefined).length,
    deliveries: received.filter(({ kind }) => kind === "event").length,
    resets: received.filter(({ kind }) => kind === "reset").length,
    blackoutMs: blackouts(records.map((record) => record.received.map(({ at }) => at))),
  };
}

/** Opens seven readers in each room, each over any of the nodes. */
export async function openReaders({ readers }: Pick<Rig, "readers">, urls: string[], random: Random): Promise<void> {
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
async function strikeAll(rig: Rig, { seed, seconds }: ChaosPlan, faults: ChaosFault[]): Promise<Strike[]> {
  const random = createRandom(seed);
  const endAt = performance.now() + seconds * 1_000;
  const strikes: Strike[] = [];
  const strike = async ({ name, strike: begin }: ChaosFault) => {
    rig.say(name);
    rig.missed = [];
    const isLong = seconds > LONG_RUN_SECONDS && random.next() < 0.2;
    const from = performance.now();
    await begin(rig, random, isLong ? LONG_FAULT_MS : SHORT_FAULT_MS);
    strikes.push({ name, from, to: performance.now(), missed: rig.missed });
    for (const sentence of rig.missed) rig.say(`goal missed: ${sentence}`);
  };
  for (const fault of faults.filter(({ isFirst }) => isFirst)) await strike(fault);
  const others = faults.filter(({ isFirst }) => !isFirst);
  while (others.length > 0 && performance.now() < endAt) {
    for (const fault of shuffled(others, random)) {
      await sleep(PAUSE_MS);
      if (performance.now() > endAt) break;
      await strike(fault);
    }
  }
  await sleep(PAUSE_MS);
  return strikes;
}

function shuffled<T>(list: T[], random: Random): T[] {
  const rest = list.slice();
  const order: T[] = [];
  while (rest.length > 0) order.push(...rest.splice(random.between(0, rest.length - 1), 1));
  return order;
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
