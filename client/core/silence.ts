import type { Outside } from "./outside.ts";

const VISIBLE_MS = 40_000;
// Browsers let a hidden page's timers run once a minute: 60 s and a ping of 15 s.
const HIDDEN_MS = 75_000;
const JUMP_MS = 6_000;
// One ping of 15 s may be on its way still, for 2 s.
const QUIET_MS = 17_000;

/** Watches for the connection that is dead though open. */
export type Silence = {
  heard(): void;
  /** To be asked every two seconds: `dead` = cut it; `woke` = the clock jumped, the machine has slept. */
  check(): "fine" | "dead" | "woke";
  /** Nothing for longer than a ping may take: not dead, but not to be trusted after a sleep. */
  suspicious(): boolean;
};

/** Compares clocks, never counts ticks: a hidden page's timers come late, a sleeping machine's not at all. */
export function createSilence(outside: Outside, hidden: () => boolean): Silence {
  let heardAt = outside.now();
  let checkedAt = heardAt;
  return {
    heard() {
      heardAt = outside.now();
    },
    check() {
      const now = outside.now();
      const jump = now - checkedAt;
      checkedAt = now;
      // The clock was set back: count from here, or nothing would be silent until it has caught up.
      if (now < heardAt) heardAt = now;
      if (now - heardAt > (hidden() ? HIDDEN_MS : VISIBLE_MS)) return "dead";
      return jump > JUMP_MS && !hidden() ? "woke" : "fine";
    },
    suspicious: () => outside.now() - heardAt > QUIET_MS,
  };
}
