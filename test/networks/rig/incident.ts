import type { Misbehaviour, Pass } from "./proxy.ts";

/** A misbehavior for a limited time. `strike` begins it and resolves at its end. */
export type Incident = { misbehave: Misbehaviour; strike(): Promise<void> };

/** Misbehaves for `ms` after `strike`, and at no other time. */
export function incidentOf(ms: number, misbehave: Misbehaviour): Incident {
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

/** Misbehaves for `ms` after the first request. */
export function atFirst(ms: number, misbehave: Misbehaviour): Misbehaviour {
  let untilMs: number | undefined;
  return (asked, pass: Pass) => {
    untilMs ??= Date.now() + ms;
    return Date.now() < untilMs ? misbehave(asked, pass) : pass(asked);
  };
}

/** Misbehaves for every nth request. */
export function nowAndThen(every: number, misbehave: Misbehaviour): Misbehaviour {
  let requests = 0;
  return (asked, pass) => {
    requests += 1;
    return requests % every === 0 ? misbehave(asked, pass) : pass(asked);
  };
}
