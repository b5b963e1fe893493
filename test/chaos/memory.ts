import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Processes that share a limit of memory. */
export type MemoryGroup = {
  /** A command that begins within the group, before the command that it starts. */
  starter: string[];
  /** Moves a running process into the group, with the memory that it has. */
  add(pid: number): Promise<void>;
  /** Returns the memory in MiB that cannot be dropped, unlike the cache of files. */
  usedMb(): Promise<number>;
  /** Returns the highest use in MiB, with the cache of files. */
  peakMb(): Promise<number>;
  /** Returns the number of processes that the system killed, since the limit was reached. */
  kills(): Promise<number>;
  /** Moves all processes out of the group, and removes it. */
  remove(): Promise<void>;
};

/** [cgroups(7)] The files of a group, in version 1 and 2. */
const VERSIONS = [
  {
    root: "/sys/fs/cgroup/memory",
    limits: ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"],
    peak: "memory.max_usage_in_bytes",
    kills: "memory.oom_control",
    used: /^total_rss (\d+)$/m,
    moves: "memory.move_charge_at_immigrate",
  },
  {
    root: "/sys/fs/cgroup",
    limits: ["memory.max"],
    peak: "memory.peak",
    kills: "memory.events",
    used: /^anon (\d+)$/m,
    moves: undefined,
  },
];

const MB = 1024 * 1024;

/**
 * Opens a group with a limit of memory. Returns `undefined` if the system has no such groups, or if
 * this user may not make one.
 */
export async function openMemoryGroup(limitMb: number): Promise<MemoryGroup | undefined> {
  for (const version of VERSIONS) {
    const folder = join(version.root, `chattera-chaos-${process.pid}`);
    const isMade = await make(folder, version, limitMb).catch(() => false);
    if (isMade) return groupIn(folder, version);
    await rmdir(folder).catch(() => undefined);
  }
  return undefined;
}

async function make(folder: string, { root, limits, moves }: (typeof VERSIONS)[number], limitMb: number) {
  if (!existsSync(join(root, "cgroup.procs"))) return false;
  await mkdir(folder);
  const [limit, ...more] = limits.map((name) => join(folder, name)) as [string, ...string[]];
  await writeFile(limit, String(limitMb * MB));
  // The limit of memory and swap together, which not every kernel has.
  for (const name of more) await writeFile(name, String(limitMb * MB)).catch(() => undefined);
  if (moves !== undefined) await writeFile(join(folder, moves), "3").catch(() => undefined);
  return true;
}

function groupIn(folder: string, { root, peak, kills, used }: (typeof VERSIONS)[number]): MemoryGroup {
  const members = join(folder, "cgroup.procs");
  const read = (name: string) => readFile(join(folder, name), "utf8").catch(() => "");
  const inMb = (bytes: string | undefined) => Math.round(Number(bytes ?? 0) / MB);
  return {
    starter: ["/bin/sh", "-c", `echo $$ > ${members} && exec "$@"`, "sh"],
    add: (pid) => writeFile(members, String(pid)).catch(() => undefined),
    usedMb: async () => inMb(used.exec(await read("memory.stat"))?.[1]),
    peakMb: async () => inMb(await read(peak)),
    kills: async () => Number(/^oom_kill (\d+)$/m.exec(await read(kills))?.[1] ?? 0),
    async remove() {
      const pids = (await read("cgroup.procs")).split("\n").filter(Boolean);
      for (const pid of pids) await writeFile(join(root, "cgroup.procs"), pid).catch(() => undefined);
      await rmdir(folder).catch(() => undefined);
    },
  };
}

/** Returns a process and all that it started. */
export async function familyOf(pid: number): Promise<number[]> {
  const family = new Set([pid]);
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    const status = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, "utf8").catch(() => "") : "";
    // [proc(5)] The name of the program may contain blanks, so count from its end.
    if (status !== "") parents.set(Number(name), Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]));
  }
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const [child, parent] of parents) if (family.has(parent)) family.add(child);
  }
  return [...family];
}

/** Returns the memory of processes in MiB, of shared pages their share. */
export async function residentMb(pids: number[]): Promise<number> {
  let kilobytes = 0;
  for (const pid of pids) {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
    kilobytes += Number(/^Pss: +(\d+) kB/m.exec(rollup)?.[1] ?? 0);
  }
  return Math.round(kilobytes / 1024);
}
