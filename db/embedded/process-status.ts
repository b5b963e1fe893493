import { readFile, readlink } from "node:fs/promises";

/** Returns whether a process with this number runs. A zombie does not. */
export async function isAlive(pid: number): Promise<boolean> {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return (await fieldsOf(pid))[STATE] !== "Z";
}

/**
 * Returns the start time of a process in clock ticks since the boot; `undefined` except on Linux.
 */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  return (await fieldsOf(pid))[START];
}

/**
 * Returns a name for the set of processes in which a process number is unique: the PID namespace of
 * this container and the boot [pid_namespaces(7)]. Returns `undefined` except on Linux.
 */
export async function processNamespace(): Promise<string | undefined> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${await readlink("/proc/self/ns/pid")}@${boot.trim()}`;
  } catch {
    return undefined;
  }
}

/** [proc(5)] The fields after the name of the program, which is in brackets and may hold spaces. */
async function fieldsOf(pid: number): Promise<string[]> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return status.slice(status.lastIndexOf(")") + 2).split(" ");
}

/** [proc(5)] Fields 3 and 22 of the whole line. */
const STATE = 0;
const START = 19;
