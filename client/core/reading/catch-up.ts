import type { Environment } from "../base/environment.ts";
import type { Ledger } from "./ledger.ts";
import { type Link, openLink } from "./link.ts";
import type { Reading, Transport } from "./transport.ts";

/** What a question beside the stream came to: something new, nothing new, or no answer. */
export type CatchUpResult = "news" | "nothing" | "unanswered";

/** A question beside what carries: what has the log after my cursor, now? One at a time. */
export type CatchUp = {
  /** Who asks while one is under way is told what that one comes to. */
  ask(answered: (result: CatchUpResult) => void): void;
  /** Puts the question off, or asks it again. */
  pause(isPaused: boolean): void;
  /** Nobody is told any more. */
  close(): void;
};

/** Asks by `poll`, whose answers `ledger` takes; `busy` is told when a question is under way and when not. */
export function createCatchUp(
  environment: Environment,
  poll: () => Transport,
  reading: () => Reading,
  ledger: Ledger,
  busy: (isAsking: boolean) => void,
): CatchUp {
  let link: Link | undefined;
  let asking: ((result: CatchUpResult) => void)[] = [];
  let isPaused = false;

  function open(): void {
    if (link !== undefined || isPaused || asking.length === 0) return;
    busy(true);
    link = openLink(environment, poll(), reading(), ledger, 0, {
      heard() {},
      proved() {},
      ended({ how, news }) {
        const told = asking;
        asking = [];
        link = undefined;
        busy(false);
        const result = how !== "answered" ? "unanswered" : news ? "news" : "nothing";
        for (let i = 0; i < told.length; i++) told[i]?.(result);
      },
    });
  }

  function hangUp(): void {
    if (link === undefined) return;
    link.close();
    link = undefined;
    busy(false);
  }

  return {
    ask(answered) {
      asking = asking.concat([answered]);
      open();
    },
    pause(paused) {
      isPaused = paused;
      if (isPaused) hangUp();
      else open();
    },
    close() {
      hangUp();
      asking = [];
    },
  };
}
