import { setTimeout } from "node:timers/promises";
import { type Crowd, gather } from "./crowd.ts";
import type { Outcome } from "./generator.ts";
import type { System, SystemOptions } from "./systems/system.ts";
import { type Usage, usageOf } from "./usage.ts";

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
    run: (start) => raise(start),
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
    run: (start, seconds) => steady("S5", start, { ...ROOM, poll: true }, 10, seconds),
  },
  {
    name: "headline",
    title: "20 rooms of 50, 100 remarks/s in all",
    goal: "p50 ≤ 10, p99 ≤ 60; acknowledged p50 ≤ 5, p99 ≤ 30",
    run: (start, seconds) =>
      steady("headline", start, { ...ROOM, rooms: 20, readersPerRoom: 50, writersPerRoom: 50 }, 100, seconds),
  },
];

/** So long a system is spoken to before it is measured: its code is compiled by then, its connections are made. */
const WARM_SECONDS = 10;

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
async function raise(start: Start): Promise<Result> {
  return withCrowd(start, ROOM, async (system, crowd) => {
    let held: Result | undefined;
    for (let rate = FIRST_RATE; ; rate *= STEP) {
      const before = usageOf(system.pids);
      const outcome = await crowd.speak(rate, STEP_SECONDS);
      const result = resultOf("S3", system, outcome, before, usageOf(system.pids));
      const isHeld = outcome.p99 <= HELD_P99_MS && outcome.refused === 0 && outcome.lost + outcome.doubled === 0;
      if (held && !isHeld) return held;
      held = result;
      if (!isHeld) return held;
    }
  });
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
  const serverCpu = (after.serverCpu - before.serverCpu) / millions;
  const databaseCpu = (after.databaseCpu - before.databaseCpu) / millions;
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
