import { readFileSync } from "node:fs";
import type { Config } from "../config.ts";

/**
 * Files that a process opens besides connections and its pool: program, log, event loop, listener.
 * About 30.
 */
const OWN_FILES = 64;

/**
 * Returns how many files this process may have open, or `undefined` where the system has no /proc.
 * Node raises the soft limit to the hard one when it starts.
 */
export function openFilesLimit(): number | undefined {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}

/** Returns how many connections a process can hold under such a limit. */
export function connectionsWithin(limit: number, { poolMax }: Config): number {
  return Math.max(1, limit - poolMax - OWN_FILES);
}

/**
 * Returns the warning for a limit that is too low for CHATTERA_READERS, or `undefined` if it is
 * high enough.
 */
export function warningOfFewFiles(limit: number, config: Config): string | undefined {
  const { readersMax, poolMax } = config;
  const needed = readersMax + poolMax + OWN_FILES;
  if (limit >= needed) return undefined;
  return (
    `This process may open ${limit} files, which is enough for ${connectionsWithin(limit, config)} connections ` +
    `but not for CHATTERA_READERS=${readersMax}: raise the limit to ${needed} or more (LimitNOFILE= in a systemd ` +
    "unit, --ulimit nofile= of docker, ulimit -n in a shell), or lower CHATTERA_READERS."
  );
}
