import { readdirSync, readFileSync } from "node:fs";

/**
 * The resources that processes and their children have used: CPU by process, and resident memory in
 * MiB, shared pages by share.
 */
export type Usage = { processes: Map<number, Process>; serverMb: number; databaseMb: number };

type Process = { isDatabase: boolean; cpuSeconds: number };

/** Of all these and what they started. */
export function usageOf(pids: number[]): Usage {
  const usage: Usage = { processes: new Map(), serverMb: 0, databaseMb: 0 };
  for (const pid of familyOf(pids)) {
    const stat = statOf(pid);
    if (stat === undefined) continue;
    const isDatabase = stat.command === "postgres";
    usage.processes.set(pid, { isDatabase, cpuSeconds: stat.cpuSeconds });
    usage[isDatabase ? "databaseMb" : "serverMb"] += memoryOf(pid);
  }
  return usage;
}

/**
 * CPU seconds between two looks. A process that has ended meanwhile, as an idle connection's does,
 * is left out.
 */
export function cpuBetween(before: Usage, after: Usage): { server: number; database: number } {
  const cpu = { server: 0, database: 0 };
  for (const [pid, { isDatabase, cpuSeconds }] of after.processes)
    cpu[isDatabase ? "database" : "server"] += cpuSeconds - (before.processes.get(pid)?.cpuSeconds ?? 0);
  return cpu;
}

function familyOf(pids: number[]): number[] {
  const parents = new Map(
    readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 0)
      .map((pid) => [pid, statOf(pid)?.parent] as const),
  );
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pids.includes(pid) || isOurs(parents.get(pid)));
  return [...parents.keys()].filter(isOurs);
}

function statOf(pid: number): { command: string; parent: number; cpuSeconds: number } | undefined {
  try {
    const [, command = "", rest = ""] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    const threads = readdirSync(`/proc/${pid}/task`).map((thread) => runTimeOf(`/proc/${pid}/task/${thread}`));
    return { command, parent: Number(rest.split(" ")[1]), cpuSeconds: threads.reduce((sum, time) => sum + time, 0) };
  } catch {
    return undefined; // It has ended.
  }
}

/**
 * [proc(5), schedstat] Nanoseconds on a core. Ticks of 10 ms, which `stat` counts, fall together
 * with timers' own.
 */
function runTimeOf(task: string): number {
  return Number(readFileSync(`${task}/schedstat`, "utf8").split(" ")[0]) / 1e9;
}

function memoryOf(pid: number): number {
  try {
    const pss = /^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
    return Number(pss ?? 0) / 1024;
  } catch {
    return 0;
  }
}
