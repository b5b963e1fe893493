import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { type Crowd, gather } from "./crowd.ts";
import type { Outcome } from "./generator.ts";
import type { System, SystemOptions } from "./systems/system.ts";
import { cpuBetween, type Usage, usageOf } from "./usage.ts";

/** What a run came to; what a scenario does not measure is absent. CPU seconds are per million deliveries. */
export type Result = {
  scenario: string;
  system: string;
  cpu?: number;
  serverCpu?: number;
  databaseCpu?: number;
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
  /** What else there is to say of it. */
  remark?: string;
  lost: number;
  doubled: number;
  reordered: number;
  curve?: [number, number][];
};

type Start = (options: SystemOptions) => Promise<System>;

/** A load, and what is measured under it. */
export type Scenario = {
  name: string;
  title: string;
  goal: string;
  /** Who can be asked it, where not all can. */
  systems?: string[];
  /** How often at most. */
  runs?: number;
  run(start: Start, seconds: number): Promise<Result>;
};

const ROOM = { rooms: 1, readersPerRoom: 1000, writersPerRoom: 20, core: 0, poll: false };

/** The loads that the project has goals for. */
export const SCENARIOS: Scenario[] = [
  {
    name: "S1",
    title: "1000 readers in one room, 100 remarks/s of 100 bytes",
    goal: "CPU ≤ 2.5, p99 ≤ 60",
    run: (start, seconds) => steady("S1", start, ROOM, 100, seconds),
  },
  {
    name: "S2",
    title: "10 000 idle readers, then one remark to all",
    goal: "≤ 10 KiB each, server ≤ 200 MB, max ≤ 300",
    run: (start) => idle(start),
  },
  {
    name: "S3",
    title: "the room of S1, rate raised until p99 > 1 s",
    goal: "≥ 1600 thousand/s",
    run: (start) => raise("S3", start, ROOM),
  },
  {
    name: "S4",
    title: "100 rooms of 10, everyone a remark a second",
    goal: "CPU ≤ 30, p99 ≤ 20",
    run: (start, seconds) =>
      steady("S4", start, { ...ROOM, rooms: 100, readersPerRoom: 10, writersPerRoom: 10 }, 1000, seconds),
  },
  {
    name: "S5",
    title: "1000 long-pollers in one room, 10 remarks/s",
    goal: "CPU ≤ 20, p50 ≤ 15",
    systems: ["chattera", "nchan", "socket.io"],
    run: (start, seconds) => steady("S5", start, { ...ROOM, poll: true }, 10, seconds),
  },
  {
    name: "S6",
    title: "1000 people who read one room enter it by their first message within 10 s, without a warm-up",
    goal: "acknowledged p99 ≤ 150, CPU ≤ 1.5 × that of the same load once everyone is in",
    systems: ["chattera"],
    run: (start, seconds) => arrive(start, seconds),
  },
  {
    name: "post",
    title: "a room of 100, 100 remarks/s",
    goal: "acknowledged p50 ≤ 5, p99 ≤ 30",
    systems: ["chattera", "naive"],
    run: (start, seconds) => steady("post", start, { ...ROOM, readersPerRoom: 100 }, 100, seconds),
  },
  {
    name: "seed",
    title: "20 rooms of 50, 100 remarks/s in all, in a control group of 512 MB, on both cores, for ten minutes",
    goal: "p50 ≤ 10, p99 ≤ 60, memory flat",
    systems: ["chattera"],
    runs: 1,
    run: (start) => seed(start),
  },
  {
    name: "workers-1",
    title: "S3 on both cores, which the generator shares",
    goal: "none; what two are compared with",
    systems: ["chattera"],
    run: (start) => raise("workers-1", start, { ...ROOM, core: undefined }),
  },
  {
    name: "workers-2",
    title: "the same by two workers",
    goal: "≥ 1.7 × one, the generator's CPU accounted for",
    systems: ["chattera"],
    run: (start) => raise("workers-2", start, { ...ROOM, core: undefined, workers: 2 }),
  },
  {
    name: "reconnect",
    title: "10 000 readers in ten rooms, the server killed and started again",
    goal: "all current < 30 s, < 10 queries a room",
    systems: ["chattera"],
    run: (start) => reconnect(start),
  },
];

/** So long a system is spoken to before it is measured: its code is compiled by then, its connections are made. */
const WARM_SECONDS = 20;

/** A load that stays as it is. */
export async function steady(
  scenario: string,
  start: Start,
  options: SystemOptions,
  rate: number,
  seconds: number,
): Promise<Result> {
  return withCrowd(start, options, async (system, crowd) => {
    await crowd.speak(rate, WARM_SECONDS);
    const before = usageOf(system.pids);
    const outcome = await crowd.speak(rate, seconds);
    return { ...resultOf(scenario, system, outcome, before, usageOf(system.pids)), curve: outcome.curve };
  });
}

const ARRIVALS = 1000;
const ARRIVAL_SECONDS = 10;

/** Every message of the first ten seconds is somebody's first; the same people then go on at the same rate. */
async function arrive(start: Start, seconds: number): Promise<Result> {
  const options = { ...ROOM, readersPerRoom: ARRIVALS, writersPerRoom: ARRIVALS, arriving: true };
  return withCrowd(start, options, async (system, crowd) => {
    const rate = ARRIVALS / ARRIVAL_SECONDS;
    const measure = async (length: number) => {
      const before = usageOf(system.pids);
      const outcome = await crowd.speak(rate, length);
      return { ...resultOf("S6", system, outcome, before, usageOf(system.pids)), curve: outcome.curve };
    };
    const arrival = await measure(ARRIVAL_SECONDS);
    await crowd.speak(rate, WARM_SECONDS);
    const settled = await measure(seconds);
    const ratio = (arrival.cpu as number) / (settled.cpu as number);
    const remark =
      `${ratio.toFixed(2)} × the CPU of the settled crowd, ${settled.cpu?.toFixed(2)}; ` +
      `its messages are acknowledged in ${settled.ackP50?.toFixed(1)} and ${settled.ackP99?.toFixed(1)} ms`;
    return { ...arrival, ...sumOfFaults([arrival, settled]), remark };
  });
}

/** The room of S1 at one rate after the other. */
export async function rising(
  start: Start,
  rates: number[],
  seconds: number,
): Promise<{ rate: number; result: Result }[]> {
  const runs: { rate: number; result: Result }[] = [];
  await withCrowd(start, ROOM, async (system, crowd) => {
    await crowd.speak(100, WARM_SECONDS);
    for (const rate of rates) {
      const before = usageOf(system.pids);
      const outcome = await crowd.speak(rate, seconds);
      const result = resultOf("rising", system, outcome, before, usageOf(system.pids));
      runs.push({ rate, result: { ...result, curve: outcome.curve } });
    }
    return runs[0]?.result as Result;
  });
  return runs;
}

/** After so long, what connecting left behind has been collected. */
const SETTLE_MS = 15_000;

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
      scenario: "S2",
      system: system.name,
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
      const result = resultOf(scenario, system, outcome, before, usageOf(system.pids));
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
const SEED_MINUTES = 10;

/** Ten minutes, in each of which memory is looked at. */
async function seed(start: Start): Promise<Result> {
  const group = makeGroup();
  const options = {
    ...ROOM,
    rooms: 20,
    readersPerRoom: 50,
    writersPerRoom: 50,
    core: undefined,
    ...(group && { group }),
  };
  const result = await withCrowd(start, options, async (system, crowd) => {
    await crowd.speak(100, WARM_SECONDS);
    const minutes: Result[] = [];
    for (let minute = 0; minute < SEED_MINUTES; minute += 1) {
      const before = usageOf(system.pids);
      const outcome = await crowd.speak(100, 60);
      minutes.push({ ...resultOf("seed", system, outcome, before, usageOf(system.pids)), curve: outcome.curve });
    }
    const memory = minutes.map(({ serverMb = 0, databaseMb = 0 }) => Math.round(serverMb + databaseMb));
    const where = group ? "in a group of 512 MB" : "no control group could be made";
    const worst = minutes.reduce((a, b) => ((b.p99 ?? 0) > (a.p99 ?? 0) ? b : a));
    return {
      ...worst,
      ...sumOfFaults(minutes),
      remark: `${where}; MiB by the minute: ${memory.join(" ")}; the worst minute's times`,
    };
  });
  if (group) rmdirSync(group);
  return result;
}

function makeGroup(): string | undefined {
  // elsewhere a folder of that name would be made, and limit nothing
  for (const { root, limit } of GROUPS.filter(({ root }) => existsSync(`${root}/cgroup.procs`))) {
    const group = `${root}/chattera-bench-${process.pid}`;
    try {
      mkdirSync(group);
      writeFileSync(`${group}/${limit}`, `${GROUP_BYTES}`);
      return group;
    } catch {
      // the other version's, or not ours to make
    }
  }
  return undefined;
}

function sumOfFaults(results: Result[]) {
  const sum = (pick: (result: Result) => number) => results.reduce((total, result) => total + pick(result), 0);
  return { lost: sum((r) => r.lost), doubled: sum((r) => r.doubled), reordered: sum((r) => r.reordered) };
}

/** Longer than the goal, so that who takes longer is seen to. */
const RETURN_PATIENCE_MS = 60_000;

async function reconnect(start: Start): Promise<Result> {
  const system = await start({ ...ROOM, rooms: 10, writersPerRoom: 2 });
  try {
    const crowd = await gather(system, true);
    await crowd.speak(50, 2);
    const killedAt = performance.now();
    await system.restart?.();
    const upMs = performance.now() - killedAt;
    const outcome = await crowd.speak(10, 1, RETURN_PATIENCE_MS);
    const seconds = (performance.now() - killedAt) / 1000;
    const metrics = await (await fetch(`http://127.0.0.1:${system.port}/metrics`)).text();
    const queries = Number(/^chattera_queries_total (\d+)/m.exec(metrics)?.[1]);
    await crowd.leave();
    const remark = `up after ${(upMs / 1000).toFixed(1)} s, all current after ${seconds.toFixed(1)} s, ${queries / 10} queries a room, those of ten remarks and of the start among them`;
    return {
      scenario: "reconnect",
      system: system.name,
      ...faultsOf(outcome),
      serverMb: usageOf(system.pids).serverMb,
      remark,
    };
  } finally {
    await system.stop();
  }
}

async function withCrowd(
  start: Start,
  options: SystemOptions,
  measure: (system: System, crowd: Crowd) => Promise<Result>,
): Promise<Result> {
  const system = await start(options);
  try {
    const crowd = await gather(system);
    const result = await measure(system, crowd);
    await crowd.leave();
    return result;
  } finally {
    await system.stop();
  }
}

function resultOf(scenario: string, system: System, outcome: Outcome, before: Usage, after: Usage): Result {
  const millions = outcome.deliveries / 1e6;
  const cpu = cpuBetween(before, after);
  const serverCpu = cpu.server / millions;
  const databaseCpu = cpu.database / millions;
  return {
    scenario,
    system: system.name,
    cpu: serverCpu + databaseCpu,
    serverCpu,
    databaseCpu,
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
  };
}

function faultsOf({ lost, doubled, reordered }: Pick<Outcome, "lost" | "doubled" | "reordered">) {
  return { lost, doubled, reordered };
}
