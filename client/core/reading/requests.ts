import { createNonce } from "../base/environment.ts";
import { cursorsOf, logsOf, roomsOf, seqOf } from "./ledger.ts";
import type { Link } from "./link.ts";
import { order } from "./orders.ts";
import type { State } from "./state.ts";
import type { Reading, Transport } from "./transport.ts";

/** Creates the link for a request that reads on from here. */
export function createRequest(state: State, transport: Transport, asked: Partial<Reading>): Link {
  const { ledger, now } = state;
  const rooms = roomsOf(ledger);
  const logs = logsOf(ledger);
  const after = cursorsOf(ledger);
  const nonce = createNonce(state.clock);
  const shown: number[] = [];
  for (let i = 0; i < logs.length; i++) shown.push(seqOf(ledger, logs[i] as string));
  return {
    transport,
    rung: 0,
    reading: { rooms, after, nonce, wait: 0, graceMs: 0, ping: 0, late: false, once: false, ...asked },
    asked: after,
    openedAt: now,
    heardAt: now,
    helloAt: 0,
    pingMs: 0,
    logs,
    shown,
    isNew: false,
    isBehind: false,
    isOver: false,
    confirmedAt: now,
  };
}

/** Closes a link. */
export function drop(state: State, link: Link | undefined): void {
  if (link === undefined || link.isOver) return;
  link.isOver = true;
  if (link === state.poll) state.poll = undefined;
  else if (link === state.stream) state.stream = undefined;
  else if (link === state.question) state.question = undefined;
  else state.candidate = undefined;
  order(state, { kind: "drop", link });
}
