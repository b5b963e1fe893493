import { readdirSync, readFileSync } from "node:fs";

/** What processes and all that they started have used: CPU seconds, and resident memory in MiB, shared pages by share. */
export type Usage = { serverCpu: number; databaseCpu: number; serverMb: number; databaseMb: number };

/** Of all these and what they started. */
export function usageOf(pids: number[]): Usage {
  const usage: Usage = { serverCpu: 0, databaseCpu: 0, serverMb: 0, databaseMb: 0 };
  for (const pid of familyOf(pids)) {
    const stat = statOf(pid);
    if (stat === undefined) continue;
    const isDatabase = stat.command === "postgres";
    usage[isDatabase ? "databaseCpu" : "serverCpu"] += stat.cpuSeconds;
    usage[isDatabase ? "databaseMb" : "serverMb"] += memoryOf(pid);
  }
  return usage;
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
    return undefined; // ended meanwhile
  }
}

/** [proc(5), schedstat] Nanoseconds on a core. Ticks of 10 ms, which `stat` counts, fall together with timers' own. */
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
