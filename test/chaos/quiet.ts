import { setTimeout as sleep } from "node:timers/promises";
import type { RoomLogs } from "./check.ts";
import type { ChaosReader } from "./readers.ts";
import { keepLog, type LoggedRig } from "./rig.ts";

/** Readers have to be at the end of the log within this time after the last fault. */
const QUIET_MS = 60_000;

/**
 * Waits until these readers are at the end of the log, or for a minute. Returns whether they are.
 */
export async function untilAtEnd(rig: LoggedRig, readers: ChaosReader[]): Promise<boolean> {
  const deadline = performance.now() + QUIET_MS;
  for (;;) {
    await keepLog(rig);
    const log = rig.logs.at(-1) as RoomLogs;
    // After an older copy was put back, a reader that had no reset yet is ahead.
    const isElsewhere = ({ record: { room, received, isLive } }: ChaosReader) => {
      const last = received.at(-1);
      const head = log.get(room)?.at(-1)?.seq ?? 0;
      return isLive && (last?.kind === "event" ? last.seq : (last?.next ?? 0) - 1) !== head;
    };
    if (!readers.some(isElsewhere)) return true;
    if (performance.now() > deadline) return false;
    await sleep(300);
  }
}
