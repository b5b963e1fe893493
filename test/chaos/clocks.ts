import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findPrograms, packagedPrograms } from "../../db/embedded/programs.ts";
import { databaseUser } from "../../db/embedded/user.ts";
import type { ChaosFault } from "./fault.ts";
import { LACKS, timeLibrary } from "./machine.ts";
import type { Random } from "./random.ts";
import { asSuperuser, endNode, type Rig, restartDatabase, startNode } from "./rig.ts";

const HOUR = 3_600;
const YEAR = 365 * 24 * HOUR;

/** The seconds by which a clock is set. */
const STEPS = [HOUR, -HOUR, -10 * YEAR];

/** Presence rounds come every 10 s, and remove the members that seem to be away. */
const ROUND_MS = 12_000;

/** Faults of clocks that are set while processes run. */
export const CLOCK_FAULTS: ChaosFault[] = [
  {
    name: "F12 the clock of a node is set",
    goal: "nobody leaves, and the order stays",
    recoverMs: 3_000,
    isSlow: true,
    lacks: LACKS.clocks,
    strike: setNodeClock,
  },
  {
    name: "F12p the clock of PostgreSQL is set",
    goal: "nobody leaves, and the order stays",
    recoverMs: 3_000,
    isSlow: true,
    lacks: LACKS.clocks,
    strike: setDatabaseClock,
  },
];

async function setNodeClock(rig: Rig, random: Random): Promise<void> {
  const node = random.pick(rig.nodes);
  const clock = await clockIn(rig, `clock-${node.number}`);
  await endNode(node, "SIGTERM");
  await startNode(rig, node, { env: clock.env });
  await countLeaves(rig, () => step(clock, random.pick(STEPS)));
}

async function setDatabaseClock(rig: Rig, random: Random): Promise<void> {
  const clock = await clockIn(rig, "clock-of-postgresql");
  await restartDatabase(rig, await programsWith(rig, clock));
  await countLeaves(rig, () => step(clock, random.pick([HOUR, -HOUR])));
  await restartDatabase(rig);
}

/** A clock that a process with `env` shows, as many seconds off as its file says. */
type Clock = { file: string; env: { [name: string]: string } };

async function clockIn({ folder }: Rig, name: string): Promise<Clock> {
  const file = join(folder, name);
  await writeFile(file, "+0", { mode: 0o644 });
  await chmod(file, 0o644);
  return {
    file,
    env: {
      LD_PRELOAD: timeLibrary() as string,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      FAKETIME_DONT_RESET: "1",
    },
  };
}

/** Sets the clock, and then sets it right, each for longer than a presence round. */
async function step({ file }: Clock, seconds: number): Promise<void> {
  for (const offset of [seconds, 0]) {
    await writeFile(file, `${offset < 0 ? "" : "+"}${offset}`);
    await sleep(ROUND_MS);
  }
}

/**
 * Returns the folder of PostgreSQL's programs in which the server shows the clock. The others are
 * as they are.
 */
async function programsWith({ folder }: Rig, { env }: Clock): Promise<string> {
  const user = databaseUser();
  const { folder: native } = await findPrograms(packagedPrograms(), join(folder, "data"), user);
  const bin = join(folder, "programs/native/bin");
  await mkdir(bin, { recursive: true });
  for (const made of ["programs", "programs/native", "programs/native/bin"]) await chmod(join(folder, made), 0o755);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  for (const program of ["postgres", "pg_ctl", "initdb"]) {
    const begin = program === "postgres" ? `exec env ${variables.join(" ")}` : "exec";
    await writeFile(join(bin, program), `#!/bin/sh\n${begin} "${native}/bin/${program}" "$@"\n`);
    await chmod(join(bin, program), 0o755);
  }
  return join(folder, "programs/native");
}

async function countLeaves(rig: Rig, work: () => Promise<void>): Promise<void> {
  const before = await leaves(rig);
  await work();
  const left = (await leaves(rig)) - before;
  if (left > 0) rig.missed.push(`${left} people left`);
}

async function leaves(rig: Rig): Promise<number> {
  const [row] = await asSuperuser(rig, "select count(*)::int as count from events where kind = 'leave'");
  return Number(row?.count);
}
