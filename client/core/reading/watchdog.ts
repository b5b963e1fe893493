import type { Environment } from "../base/environment.ts";
import type { CatchUp } from "./catch-up.ts";
import { createExpectations, type Expectations } from "./expectations.ts";
import type { Ledger } from "./ledger.ts";
import type { Link } from "./link.ts";
import type { Liveness } from "./liveness.ts";

// The event that a question brings may be on its way by the stream: a beat of 45 ms and a bend in the network.
const JUST_NOW_MS = 1_000;
const LATE_MEMORY_MS = 60_000;

/** Doubts whether what is open brings what the log has, and finds out by a question beside it. */
export type Watchdog = {
  /** This seq is in the log and must be shown soon. */
  expect: Expectations["expect"];
  /** To be asked every second, unless the machine has just woken. */
  look(why: "lull" | "silent"): void;
  /** What was expected is void. */
  forget(): void;
};

/** What a watchdog needs, and what it comes to. */
export type WatchdogOptions = {
  environment: Environment;
  ledger: Ledger;
  liveness: Liveness;
  catchUp: CatchUp;
  /** What carries events now. */
  carrier(): Link | undefined;
  /** A stream holds events back: let go of it; `isMute`: for the second time in a row. */
  heldBack(isMute: boolean, fellSilent: boolean): void;
  /** The poll that is held would have been answered. */
  pollDied(): void;
};

/** Suspects nothing yet. */
export function createWatchdog(options: WatchdogOptions): Watchdog {
  const { environment, ledger, liveness, catchUp, carrier } = options;
  const expectations = createExpectations(environment, shown, missed, () => {
    late = 0;
  });
  /** Times in a row that a question beside the stream brought what the stream should have brought. */
  let late = 0;
  let lateAt = 0;
  let isAsking = false;
  let stopJudging = nothing;

  return {
    expect: expectations.expect,
    look(why) {
      if (isAsking) return;
      isAsking = true;
      const isPingMissing = why === "silent";
      ask(isPingMissing, (result) => {
        const isDead = isPingMissing && liveness.isSilent();
        // Nobody else was answered either: the server is away, and no stream is to blame.
        if (isDead && result === "unanswered") options.heldBack(false, false);
        else if (isDead) heldBack(true);
        else if (result === "nothing") liveness.quietIndeed();
      });
    },
    forget() {
      catchUp.close();
      expectations.close();
      stopJudging();
      isAsking = false;
    },
  };

  function shown(room: string): number {
    const link = carrier();
    return link?.transport.streams === true ? link.shown(room) : ledger.seq(room);
  }

  // An expected event did not come. It is the connection's fault only if a question beside it brings the event: otherwise
  // it is the server that is late.
  function missed(): void {
    ask(false, nothing);
  }

  /** `otherwise` is told what the question came to if it brought nothing. */
  function ask(isPingMissing: boolean, otherwise: (result: "nothing" | "unanswered") => void): void {
    const asked = carrier();
    catchUp.ask((result) => {
      isAsking = false;
      if (asked === undefined || asked !== carrier()) return;
      if (result !== "news") otherwise(result);
      else {
        stopJudging();
        stopJudging = environment.later(JUST_NOW_MS, () => convict(asked, isPingMissing));
      }
    });
  }

  /** The log had something: has this connection brought it by now? A poll would have been answered and be gone. */
  function convict(asked: Link, fellSilent: boolean): void {
    if (asked !== carrier()) return;
    if (!asked.transport.streams) options.pollDied();
    else if (!hasShownAll(asked)) heldBack(fellSilent);
  }

  function hasShownAll(link: Link): boolean {
    // a room that was followed since is not this connection's
    const { rooms } = link.reading;
    for (let i = 0; i < rooms.length; i++) {
      if (link.shown(rooms[i] as string) < ledger.seq(rooms[i] as string)) return false;
    }
    return true;
  }

  // Once may be chance, and the question beside it has cured it; twice in a row leads a rung down.
  function heldBack(fellSilent: boolean): void {
    late = Math.abs(environment.now() - lateAt) < LATE_MEMORY_MS ? late + 1 : 1;
    lateAt = environment.now();
    const isMute = late >= 2;
    if (isMute) late = 0;
    options.heldBack(isMute, fellSilent);
  }
}

function nothing(): void {}
