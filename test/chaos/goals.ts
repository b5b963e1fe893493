import type { ChaosMessage } from "./check.ts";
import type { ChaosFault } from "./fault.ts";
import type { ChaosReader } from "./readers.ts";

/** A fault that was struck, from when to when, and in which points it missed its goal. */
export type Strike = { name: string; from: number; to: number; missed: string[] };

/** How often a fault was struck, and how often its goal was met. */
export type GoalReport = {
  goal: string;
  times: number;
  met: number;
  /** The longest time in which a reader got nothing, with the fault itself. */
  longestSilenceMs: number;
  /** The receipts and the events that came during the fault. */
  acknowledged: number;
  deliveries: number;
  missed: string[];
};

/** The faults in their order, and how each met its goal. */
export function judgeGoals(
  faults: Pick<ChaosFault, "name" | "goal" | "recoverMs">[],
  strikes: Strike[],
  { sent, readers }: { sent: Pick<ChaosMessage, "ackedAt">[]; readers: Pick<ChaosReader, "record">[] },
): { faults: string[]; goals: { [fault: string]: GoalReport } } {
  const goals: { [fault: string]: GoalReport } = {};
  const receipts = sent.map(({ ackedAt }) => ackedAt);
  const events = readers.flatMap(({ record }) => record.received.map(({ at }) => at));
  for (const { name, goal, recoverMs } of faults) {
    const own = strikes.filter((strike) => strike.name === name);
    const silences = own.map((strike) => longestSilence(strike, readers));
    const missed = own.map(({ from, to, missed: points }, n) => {
      const late = (silences[n] as number) - (to - from) - recoverMs;
      return late > 0 ? [...points, `a reader got nothing for ${Math.round(silences[n] as number)} ms`] : points;
    });
    goals[name] = {
      goal,
      times: own.length,
      met: missed.filter((points) => points.length === 0).length,
      longestSilenceMs: Math.round(Math.max(0, ...silences)),
      acknowledged: countDuring(own, receipts),
      deliveries: countDuring(own, events),
      missed: [...new Set(missed.flat())],
    };
  }
  return { faults: strikes.map(({ name }) => name), goals };
}

function countDuring(strikes: Strike[], times: (number | undefined)[]): number {
  return times.filter((at) => strikes.some(({ from, to }) => at !== undefined && at >= from && at <= to)).length;
}

/** A silence that begins within this time after a fault is counted as its consequence. */
const AFTER_MS = 500;

/** Returns the longest time in which one of the readers got nothing, during a fault or after it. */
function longestSilence({ from, to }: Strike, readers: Pick<ChaosReader, "record">[]): number {
  let longest = 0;
  for (const { record } of readers) {
    const { received } = record;
    for (let n = 1; n < received.length; n += 1) {
      const [begun, ended] = [received[n - 1]?.at as number, received[n]?.at as number];
      if (ended >= from && begun <= to + AFTER_MS) longest = Math.max(longest, ended - begun);
    }
  }
  return longest;
}
