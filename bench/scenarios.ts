import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { ClientName } from "./clients/templates.ts";
import { type Crowd, gather } from "./crowd.ts";
import type { Outcome } from "./generator.ts";
import type { LoadTransport, System, SystemOptions } from "./systems/system.ts";
import { cpuBetween, type Usage, usageOf } from "./usage.ts";

/**
 * The result of a run, without the figures that its scenario does not measure. CPU seconds are per
 * million deliveries.
 */
export type Result = {
  scenario: string;
  system: string;
  /** Whose requests were sent, and what brought the events. */
  client: ClientName;
  transport: LoadTransport;
  cpu?: number;
  serverCpu?: number;
  databaseCpu?: number;
  /** CPU seconds a second, of server and database together. */
  cores?: number;
  generatorCpu?: number;
  thousandsPerSecond?: number;
  p50?: number;
  p99?: number;
  max?: number;
  ackP50?: number;
  ackP99?: number;
  kibEach?: number;
  serverMb?: number;
  databaseMb?: number;
  /** Anything else worth knowing. */
  note?: string;
  lost: number;
  doubled: number;
  reordered: number;
  curve?: [number, number][];
};

type Start = (options: SystemOptions) => Promise<System>;

/**
 * How long to measure, where a scenario has no length of its own; how long a system is under load
 * before that, so that its code is compiled and its connections are made; and whether members
 * report that they are typing.
 */
export type RunOptions = { seconds: number; minutes: number; warmSeconds: number; isTyping: boolean };

/** A load, and what is measured under it. */
export type Scenario = {
  name: string;
  title: string;
  goal: string;
  /** Which systems can be asked it, where not all can. */
  systems?: string[];
  /** The clients and transports that matter here; default: the page, by streams. */
  clients?: ClientName[];
  transports?: LoadTransport[];
  /** How often at most. */
  runs?: number;
  run(start: Start, options: RunOptions): Promise<Result>;
};

/**
 * Half of the readers only watch. Each member writes at most two messages a second, which is the
 * limit of one.
 */
const ROOM = { rooms: 1, readersPerRoom: 1000, membersPerRoom: 500, core: 0 };

const HUNDRED_ROOMS = { ...ROOM, rooms: 100, readersPerRoom: 10, membersPerRoom: 10 };
const HUNDRED_PEOPLE = { ...ROOM, readersPerRoom: 100, membersPerRoom: 100 };

const BOTH = { clients: ["page", "npm"], transports: ["stream", "poll"] } satisfies Partial<Scenario>;

/** The loads that the project has goals for. */
export const SCENARIOS: Scenario[] = [
  {
    name: "S1",
    title: "1000 readers in one room, half of them members, 100 messages/s of 100 bytes",
    goal: "CPU ≤ 2.5, p99 ≤ 60",
    ...BOTH,
    run: (start, options) => steady({ scenario: "S1", start, system: ROOM, rate: 100 }, options),
  },
  {
    name: "S2",
    title: "10 000 idle readers, then one message to all",
    goal: "≤ 10 KiB each, server ≤ 200 MB, max ≤ 300",
    run: (start) => idle(start),
  },
  {
    name: "S3",
    title: "the room of S1, rate raised until p99 > 1 s, without rate limits",
    goal: "≥ 1600 thousand/s",
    run: (start) => raise("S3", start, { ...ROOM, isUnlimited: true }),
  },
  {
    name: "S4",
    title: "100 rooms of 10, everyone a message a second",
    goal: "CPU ≤ 3.8 × nchan, p99 ≤ 15",
    ...BOTH,
    run: (start, options) => steady({ scenario: "S4", start, system: HUNDRED_ROOMS, rate: 1000 }, options),
  },
  {
    name: "S5",
    title: "the room of S1, 10 messages/s",
    goal: "by polls CPU ≤ 1.6 × nchan, p50 ≤ 15",
    systems: ["chattera", "nchan", "socket.io"],
    ...BOTH,
    run: (start, options) => steady({ scenario: "S5", start, system: ROOM, rate: 10 }, options),
  },
  {
    name: "S6",
    title: "1000 people who read one room enter it by their first message within 10 s, without a warm-up",
    goal: "acknowledged p99 ≤ 150, CPU ≤ 1.5 × that of the same load once everyone is in",
    systems: ["chattera"],
    run: (start, options) => arrive(start, options),
  },
  {
    name: "post",
    title: "a room of 100, 100 messages/s",
    goal: "acknowledged p50 ≤ 5, p99 ≤ 30",
    systems: ["chattera", "naive"],
    run: (start, options) => steady({ scenario: "post", start, system: HUNDRED_PEOPLE, rate: 100 }, options),
  },
  {
    name: "seed",
    title: "20 rooms of 50 members, 100 messages/s in all, in a control group of 512 MB, on both cores, by the minute",
    goal: "p50 ≤ 15, p99 ≤ 80, half a core, memory flat",
    systems: ["chattera"],
    ...BOTH,
    runs: 1,
    run: (start, options) => seed(start, options),
  },
  {
    name: "workers-1",
    title: "S3 on both cores, which the generator shares",
    goal: "none; what two are compared with",
    systems: ["chattera"],
    run: (start) => raise("workers-1", start, { ...ROOM, core: undefined, isUnlimited: true }),
  },
  {
    name: "workers-2",
    title: "the same by two workers",
    goal: "≥ 1.7 × one, the generator's CPU accounted for",
    systems: ["chattera"],
    run: (start) => raise("workers-2", start, { ...ROOM, core: undefined, workers: 2, isUnlimited: true }),
  },
  {
    name: "reconnect",
    title: "10 000 readers in ten rooms, the server killed and started again",
    goal: "all current < 30 s, < 10 queries a room",
    systems: ["chattera"],
    run: (start) => reconnect(start),
  },
];

/** A program that was compiled before it began is warm sooner. */
const WARM_SECONDS_COMPILED = 5;

/** A load that does not change. */
export type Load = { scenario: string; start: Start; system: SystemOptions; rate: number };

/** Measures a system under a load that does not change. */
export async function steady(
  { scenario, start, system: options, rate }: Load,
  { seconds, warmSeconds, isTyping }: Pick<RunOptions, "seconds" | "warmSeconds" | "isTyping">,
): Promise<Result> {
  return withCrowd(start, { ...options, isTyping }, async (system, crowd) => {
    await crowd.speak(rate, system.isCompiled ? Math.min(warmSeconds, WARM_SECONDS_COMPILED) : warmSeconds);
    return measure(scenario, { system, crowd }, { rate, seconds });
  });
}

type Talk = { rate: number; seconds: number };
type Gathered = { system: System; crowd: Crowd };

async function measure(scenario: string, { system, crowd }: Gathered, { rate, seconds }: Talk): Promise<Result> {
  const before = usageOf(system.pids);
  const outcome = await crowd.speak(rate, seconds);
  const after = usageOf(system.pids);
  return { ...resultOf({ scenario, system }, outcome, { before, after }), curve: outcome.curve };
}

const ARRIVALS = 1000;
const ARRIVAL_SECONDS = 10;

/**
 * Every message of the first ten seconds is somebody's first; the same people then go on at the
 * same rate.
 */
async function arrive(start: Start, { seconds, warmSeconds, isTyping }: RunOptions): Promise<Result> {
  const room = { ...ROOM, readersPerRoom: ARRIVALS, membersPerRoom: ARRIVALS, isArriving: true };
  return withCrowd(start, { ...room, isTyping }, async (system, crowd) => {
    const rate = ARRIVALS / ARRIVAL_SECONDS;
    const arrival = await measure("S6", { system, crowd }, { rate, seconds: ARRIVAL_SECONDS });
    await crowd.speak(rate, warmSeconds);
    const settled = await measure("S6", { system, crowd }, { rate, seconds });
    const ratio = (arrival.cpu as number) / (settled.cpu as number);
    const note =
      `${ratio.toFixed(2)} × the CPU of the settled crowd, ${settled.cpu?.toFixed(2)}; ` +
      `its messages are acknowledged in ${settled.ackP50?.toFixed(1)} and ${settled.ackP99?.toFixed(1)} ms`;
    return { ...arrival, ...sumOfFaults([arrival, settled]), note };
  });
}

const RISING_WARM_SECONDS = 20;

/** The room of S1 at one rate after the other. */
export async function rising(
  start: Start,
  rates: number[],
  seconds: number,
): Promise<{ rate: number; result: Result }[]> {
  const runs: { rate: number; result: Result }[] = [];
  await withCrowd(start, { ...ROOM, isUnlimited: true }, async (system, crowd) => {
    await crowd.speak(100, RISING_WARM_SECONDS);
    for (const rate of rates) {
      runs.push({ rate, result: await measure("rising", { system, crowd }, { rate, seconds }) });
    }
    return runs[0]?.result as Result;
  });
  return runs;
}

/**
 * After this time what connecting left behind has been collected, and every stream has been
 * confirmed: the pings come every 15 s, a confirmation with the first one after 20 s.
 */
const SETTLE_MS = 35_000;

async function idle(start: Start): Promise<Result> {
  const system = await start({ ...ROOM, readersPerRoom: 10_000 });
  try {
    const before = usageOf(system.pids);
    const crowd = await gather(system);
    await setTimeout(SETTLE_MS);
    const after = usageOf(system.pids);
    const { curve: _curve, ...outcome } = await crowd.speak(1, 1);
    await crowd.leave();
    return {
      ...headOf("S2", system),
      ...faultsOf(outcome),
      max: outcome.max,
      kibEach: ((after.serverMb - before.serverMb) * 1024) / 10_000,
      serverMb: after.serverMb,
      databaseMb: after.databaseMb,
    };
  } finally {
    await system.stop();
  }
}

const FIRST_RATE = 50;
const STEP = 1.4;
const STEP_SECONDS = 4;
const HELD_P99_MS = 1000;

/** The highest rate that was held; faults are those up to there. */
async function raise(scenario: string, start: Start, options: SystemOptions): Promise<Result> {
  return withCrowd(start, options, async (system, crowd) => {
    let held: Result | undefined;
    for (let rate = FIRST_RATE; ; rate *= STEP) {
      const before = usageOf(system.pids);
      const outcome = await crowd.speak(rate, STEP_SECONDS);
      const result = resultOf({ scenario, system }, outcome, { before, after: usageOf(system.pids) });
      const isHeld = outcome.p99 <= HELD_P99_MS && outcome.refused === 0 && outcome.lost + outcome.doubled === 0;
      if (held && !isHeld) return held;
      held = result;
      if (!isHeld) return held;
    }
  });
}

/** [cgroups(7)] Where memory is limited, and by which file: version 2, else 1. */
const GROUPS = [
  { root: "/sys/fs/cgroup", limit: "memory.max" },
  { root: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes" },
];
const GROUP_BYTES = 512 * 1024 * 1024;

/** So many minutes, after each of which memory is looked at. */
async function seed(start: Start, { minutes: length, warmSeconds, isTyping }: RunOptions): Promise<Result> {
  const group = makeGroup();
  const options = {
    ...ROOM,
    rooms: 20,
    readersPerRoom: 50,
    membersPerRoom: 50,
    core: undefined,
    ...(group && { group }),
  };
  const whole = async (system: System, crowd: Crowd) => {
    await crowd.speak(100, warmSeconds);
    const minutes: Result[] = [];
    while (minutes.length < length) minutes.push(await measure("seed", { system, crowd }, { rate: 100, seconds: 60 }));
    const memory = minutes.map(({ serverMb = 0, databaseMb = 0 }) => Math.round(serverMb + databaseMb));
    const where = group ? "in a group of 512 MB" : "no control group could be made";
    const worst = minutes.reduce((a, b) => ((b.p99 ?? 0) > (a.p99 ?? 0) ? b : a));
    const note = `${where}; MiB by the minute: ${memory.join(" ")}; the worst minute's times`;
    return { ...worst, ...sumOfFaults(minutes), note };
  };
  const result = await withCrowd(start, { ...options, isTyping }, whole);
  if (group) rmdirSync(group);
  return result;
}

function makeGroup(): string | undefined {
  // Elsewhere the folder would be an ordinary one, and limit nothing.
  for (const { root, limit } of GROUPS.filter(({ root }) => existsSync(`${root}/cgroup.procs`))) {
    const group = `${root}/chattera-bench-${process.pid}`;
    try {
      mkdirSync(group);
      writeFileSync(`${group}/${limit}`, `${GROUP_BYTES}`);
      return group;
    } catch {
      // The other version's, or not ours to make
    }
  }
  return undefined;
}

function sumOfFaults(results: Result[]) {
  const sum = (pick: (result: Result) => number) => results.reduce((total, result) => total + pick(result), 0);
  return { lost: sum((r) => r.lost), doubled: sum((r) => r.doubled), reordered: sum((r) => r.reordered) };
}

/** Longer than the goal, so that a slower return is seen. */
const RETURN_PATIENCE_MS = 60_000;

async function reconnect(start: Start): Promise<Result> {
  const system = await start({ ...ROOM, rooms: 10, membersPerRoom: 20 });
  try {
    const crowd = await gather(system, { comeBack: true });
    await crowd.speak(50, 2);
    const killedAt = performance.now();
    await system.restart?.();
    const upMs = performance.now() - killedAt;
    const outcome = await crowd.speak(10, 1, RETURN_PATIENCE_MS);
    const seconds = (performance.now() - killedAt) / 1000;
    const metrics = await (await fetch(`http://127.0.0.1:${system.port}/metrics`)).text();
    const queries = Number(/^chattera_queries_total (\d+)/m.exec(metrics)?.[1]);
    await crowd.leave();
    const note = `up after ${(upMs / 1000).toFixed(1)} s, all current after ${seconds.toFixed(1)} s, ${queries / 10} queries a room, those of ten messages and of the start among them`;
    return {
      ...headOf("reconnect", system),
      ...faultsOf(outcome),
      serverMb: usageOf(system.pids).serverMb,
      note,
    };
  } finally {
    await system.stop();
  }
}

async function withCrowd(
  start: Start,
  { isTyping = false, ...options }: SystemOptions & { isTyping?: boolean | undefined },
  measure: (system: System, crowd: Crowd) => Promise<Result>,
): Promise<Result> {
  const system = await start(options);
  try {
    const crowd = await gather(system, { isTyping });
    const result = await measure(system, crowd);
    await crowd.leave();
    return result;
  } finally {
    await system.stop();
  }
}

function resultOf(
  { scenario, system }: { scenario: string; system: System },
  outcome: Outcome,
  { before, after }: { before: Usage; after: Usage },
): Result {
  const millions = outcome.deliveries / 1e6;
  const cpu = cpuBetween(before, after);
  const serverCpu = cpu.server / millions;
  const databaseCpu = cpu.database / millions;
  return {
    ...headOf(scenario, system),
    cpu: serverCpu + databaseCpu,
    serverCpu,
    databaseCpu,
    cores: (cpu.server + cpu.database) / outcome.seconds,
    generatorCpu: outcome.generatorCpuSeconds / millions,
    thousandsPerSecond: outcome.deliveries / outcome.seconds / 1000,
    p50: outcome.p50,
    p99: outcome.p99,
    max: outcome.max,
    ackP50: outcome.ackP50,
    ackP99: outcome.ackP99,
    serverMb: after.serverMb,
    databaseMb: after.databaseMb,
    ...faultsOf(outcome),
    ...(outcome.refused + outcome.failed > 0 && {
      note: `${outcome.refused} messages refused, ${outcome.failed} other requests failed`,
    }),
  };
}

function headOf(scenario: string, { name, client, transport }: System) {
  return { scenario, system: name, client, transport };
}

function faultsOf({ lost, doubled, reordered }: Pick<Outcome, "lost" | "doubled" | "reordered">) {
  return { lost, doubled, reordered };
}
