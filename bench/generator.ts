import { setTimeout } from "node:timers/promises";
import type { Findings } from "./check.ts";
import { Histogram } from "./histogram.ts";
import { openReaders, type Readers } from "./readers.ts";
import type { Plan } from "./systems/system.ts";
import { openWriters, type Writers } from "./writers.ts";

/**
 * The crowd, in a process of its own: it opens all readers, says remarks when told to, and checks every delivery to
 * every reader for once and order. It is told what to do by messages, and answers each with one.
 */
export type Order =
  | { do: "connect"; plan: Plan; comeBack: boolean }
  | { do: "speak"; rate: number; seconds: number; patienceMs: number };

/** What a stretch of speaking came to; times in ms from when a remark was due. */
export type Outcome = {
  said: number;
  refused: number;
  deliveries: number;
  lost: number;
  doubled: number;
  reordered: number;
  p50: number;
  p99: number;
  max: number;
  curve: [number, number][];
  ackP50: number;
  ackP99: number;
  /** From the first remark's due time to the last delivery. */
  seconds: number;
  generatorCpuSeconds: number;
};

const MOST_REMARKS = 4_000_000;

const findings: Findings = {
  deliveries: 0,
  doubled: 0,
  reordered: 0,
  times: new Histogram(),
  dueAt: new Float64Array(MOST_REMARKS),
};
let plan: Plan;
let readers: Readers;
let writers: Writers;

process.on("message", (order: Order) => {
  void obey(order).then((answer) => process.send?.(answer));
});

async function obey(order: Order): Promise<Outcome | "connected"> {
  return order.do === "connect"
    ? connect(order.plan, order.comeBack)
    : speak(order.rate, order.seconds, order.patienceMs);
}

async function connect(given: Plan, comeBack: boolean): Promise<"connected"> {
  plan = given;
  readers = await openReaders(plan, findings, comeBack);
  writers = await openWriters(plan, findings.dueAt);
  return "connected";
}

async function speak(rate: number, seconds: number, patienceMs: number): Promise<Outcome> {
  Object.assign(findings, { deliveries: 0, doubled: 0, reordered: 0, times: new Histogram() });
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const said = await writers.speak(rate, seconds);
  await arrive(said.acknowledged, patienceMs);
  const cpu = process.cpuUsage(cpuBefore);
  const { deliveries, doubled, reordered, times } = findings;
  return {
    said: said.acknowledged.length,
    refused: said.refused,
    deliveries,
    lost: readers.missing() + unheard(said.acknowledged),
    doubled,
    reordered,
    p50: times.at(0.5),
    p99: times.at(0.99),
    max: times.max,
    curve: times.curve(),
    ackP50: said.times.at(0.5),
    ackP99: said.times.at(0.99),
    seconds: (performance.now() - startedAt) / 1000,
    generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}

/** Until everybody has all of it; what never comes was lost. */
async function arrive(acknowledged: number[], patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while ((readers.missing() > 0 || unheard(acknowledged) > 0) && performance.now() < deadline) await setTimeout(5);
}

/** Deliveries of acknowledged remarks that nobody at all had. */
function unheard(acknowledged: number[]): number {
  const readersPerRoom = plan.reads.length / readers.logs.length;
  const isHeard = (n: number) => {
    const { room } = plan.writers[n % plan.writers.length] as Plan["writers"][number];
    return readers.logs[room]?.placeOf(n) !== undefined;
  };
  return acknowledged.filter((n) => !isHeard(n)).length * readersPerRoom;
}
