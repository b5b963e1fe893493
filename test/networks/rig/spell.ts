import type { Misbehaviour, Pass } from "./proxy.ts";

/** A misbehaviour that has its time. */
export type Spell = { misbehave: Misbehaviour; strike(): Promise<void> };

/** Misbehaves for so long when it is struck, and not before and after. */
export function aSpellOf(ms: number, misbehave: Misbehaviour): Spell {
  let isOn = false;
  return {
    misbehave: (asked, pass) => (isOn ? misbehave(asked, pass) : pass(asked)),
    strike: async () => {
      isOn = true;
      await new Promise((resolve) => setTimeout(resolve, ms));
      isOn = false;
    },
  };
}

/** Misbehaves from the first request on, for so long. */
export function atFirst(ms: number, misbehave: Misbehaviour): Misbehaviour {
  let untilMs: number | undefined;
  return (asked, pass: Pass) => {
    untilMs ??= Date.now() + ms;
    return Date.now() < untilMs ? misbehave(asked, pass) : pass(asked);
  };
}
