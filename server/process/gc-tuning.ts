import { readdirSync } from "node:fs";
import { setPriority } from "node:os";
import { setFlagsFromString } from "node:v8";

/**
 * Lowers tail latency: V8 collects garbage less often, and at a lower priority. This changes the
 * whole process, so it is not for a process that belongs to a host's app.
 *
 * V8 lets a small heap grow by a third before it collects all of it: with 1000 messages a second in
 * 100 rooms every 3 to 7 s, for 180 ms in which its helper threads use a good part of the core.
 * Measured with Node and PostgreSQL on one core, 30 s each, twice: p99 of a delivery 50 and 74 ms;
 * with helpers of low priority 45 and 52; with both 18 and 29, and 50 MB more.
 */
export function tuneGarbageCollection(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
  for (const thread of helperThreads()) lowerPriority(thread);
}

/**
 * In percent of the live heap. V8 still keeps its limit, by default a half of a small machine's
 * memory.
 */
const HEAP_GROWTH = 200;

/**
 * [setpriority(2), sched(7)] On a full core, a tenth of the time that a thread of priority 0 gets.
 */
const LOW_PRIORITY = 10;

/** On Linux a thread has a number and a priority of its own. Elsewhere this returns no threads. */
function helperThreads(): number[] {
  try {
    return readdirSync("/proc/self/task")
      .map(Number)
      .filter((thread) => thread !== process.pid);
  } catch {
    return [];
  }
}

function lowerPriority(thread: number): void {
  try {
    setPriority(thread, LOW_PRIORITY);
  } catch {
    // The thread has ended meanwhile, or the system does not allow it.
  }
}
