import type { Environment } from "../base/environment.ts";
import { without } from "../base/list.ts";

/** Waits for seqs that are known to be in the log: by the receipt of an own message, or by the head in a ping. */
export type Expectations = {
  expect(room: string, seq: number, withinMs: number): void;
  close(): void;
};

type Wait = { room: string; seq: number; next: { seq: number; withinMs: number } | undefined; stop: () => void };

/**
 * `shown` is the last seq of a room that the connection has brought; `late` is called when an expected one was not among
 * them, `inTime` when it was. One is awaited at a time in each room; what is expected meanwhile is looked at after it.
 */
export function createExpectations(
  environment: Environment,
  shown: (room: string) => number,
  late: () => void,
  inTime: () => void,
): Expectations {
  let waits: Wait[] = [];

  function begin(room: string, seq: number, withinMs: number): void {
    const wait: Wait = { room, seq, next: undefined, stop: () => {} };
    wait.stop = environment.later(withinMs, () => judge(wait));
    waits = waits.concat([wait]);
  }

  function judge(wait: Wait): void {
    waits = without(waits, wait);
    const { room, next } = wait;
    const met = shown(room) >= wait.seq;
    if (next !== undefined && shown(room) < next.seq) begin(room, next.seq, next.withinMs);
    if (met) inTime();
    else late();
  }

  return {
    expect(room, seq, withinMs) {
      if (shown(room) >= seq) return;
      for (let i = 0; i < waits.length; i++) {
        const wait = waits[i] as Wait;
        if (wait.room !== room) continue;
        if (seq > wait.seq) wait.next = { seq, withinMs };
        return;
      }
      begin(room, seq, withinMs);
    },
    close() {
      for (let i = 0; i < waits.length; i++) waits[i]?.stop();
      waits = [];
    },
  };
}
