import { setTimeout } from "node:timers/promises";
import type { DeliveryFindings } from "./check.ts";
import { type Client, clientsOf } from "./client.ts";
import { Histogram } from "./histogram.ts";
import { openReaders, type Readers } from "./readers.ts";
import { speakersOf } from "./speakers.ts";
import type { Person, Plan } from "./systems/system.ts";
import { openWriters, type Writers } from "./writers.ts";

/**
 * The crowd, in a process of its own: it opens all readers, sends messages when asked to, and
 * checks every delivery to every reader for once and order. It is given orders, and answers each
 * with one message.
 */
export type GeneratorOrder =
  | { do: "connect"; plan: Plan; comeBack: boolean }
  | { do: "speak"; rate: number; seconds: number; patienceMs: number };

/** The outcome of a stretch of talk. Times are in ms from when a message was due. */
export type Outcome = {
  sent: number;
  refused: number;
  /** Other requests that had no good answer. */
  failed: number;
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
  /** From the first message's due time to the last delivery. */
  seconds: number;
  generatorCpuSeconds: number;
};

const MOST_MESSAGES = 4_000_000;

const findings: DeliveryFindings = {
  deliveries: 0,
  doubled: 0,
  reordered: 0,
  times: new Histogram(),
  dueAt: new Float64Array(MOST_MESSAGES),
  failed: 0,
};
let plan: Plan;
let speakerOf: (n: number) => Person;
let readers: Readers;
let writers: Writers;

process.on("message", (order: GeneratorOrder) => {
  void obey(order).then((answer) => process.send?.(answer));
});

async function obey(order: GeneratorOrder): Promise<Outcome | "connected"> {
  return order.do === "connect"
    ? connect(order.plan, order.comeBack)
    : speak(order.rate, order.seconds, order.patienceMs);
}

async function connect(given: Plan, comeBack: boolean): Promise<"connected"> {
  plan = given;
  speakerOf = speakersOf(plan);
  const clients = clientsOf(plan);
  readers = await openReaders([...clients.values()], { plan, findings, comeBack });
  writers = openWriters({
    speakerOf: (n) => clients.get(speakerOf(n)) as Client,
    dueAt: findings.dueAt,
    isTyping: plan.isTyping,
    onFailed: () => {
      findings.failed += 1;
    },
  });
  return "connected";
}

async function speak(rate: number, seconds: number, patienceMs: number): Promise<Outcome> {
  Object.assign(findings, { deliveries: 0, doubled: 0, reordered: 0, failed: 0, times: new Histogram() });
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const sent = await writers.speak(rate, seconds);
  await arrive(sent.acknowledged, patienceMs);
  const cpu = process.cpuUsage(cpuBefore);
  const { deliveries, doubled, reordered, failed, times } = findings;
  return {
    sent: sent.acknowledged.length,
    refused: sent.refused,
    failed,
    deliveries,
    lost: readers.missing() + unheard(sent.acknowledged),
    doubled,
    reordered,
    p50: times.at(0.5),
    p99: times.at(0.99),
    max: times.max,
    curve: times.curve(),
    ackP50: sent.times.at(0.5),
    ackP99: sent.times.at(0.99),
    seconds: (performance.now() - startedAt) / 1000,
    generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}

/** Until everybody has all of it; what never comes was lost. */
async function arrive(acknowledged: number[], patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while ((readers.missing() > 0 || unheard(acknowledged) > 0) && performance.now() < deadline) await setTimeout(5);
}

/** Deliveries of acknowledged messages that no reader at all had. */
function unheard(acknowledged: number[]): number {
  const readersPerRoom = plan.people.length / readers.logs.length;
  const isHeard = (n: number) => readers.logs[speakerOf(n).room]?.placeOf(n) !== undefined;
  return acknowledged.filter((n) => !isHeard(n)).length * readersPerRoom;
}
