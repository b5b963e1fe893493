import type { RoomEvent } from "../../../protocol/event.ts";
import { createEmitter, type Emitter } from "../base/emitter.ts";
import { createClientId, type Environment } from "../base/environment.ts";
import { without } from "../base/list.ts";
import { createBackoff } from "../network/backoff.ts";

/** A message without a receipt. `kept`: to be sent when the network is back; `refused`: the server will not have it. */
export type Remark = { id: string; text: string; state: "sending" | "kept" | "refused"; code?: string };

/** The server's answer to a message: the event it became, and a cursor behind it. */
export type Receipt = { event: RoomEvent; cursor: string };

/** What became of one attempt. `again`: nothing is known; the same id makes sending it once more harmless. */
export type Outcome = { receipt: Receipt; rttMs: number } | { refused: string } | { retry: true; retryMs?: number };

/** Where unsent messages outlive a reload. */
export type RemarkStore = { load(): Remark[]; save(remarks: Remark[]): void };

/** What an outbox tells. */
export type OutboxEvents = {
  /** A message is new, or its state has changed. */
  changed: Remark;
  sent: { remark: Remark; receipt: Receipt; rttMs: number };
  discarded: Remark;
};

/** Messages on their way: one at a time, in order, each until a receipt or a refusal. */
export type Outbox = {
  on: Emitter<OutboxEvents>["on"];
  say(text: string): Remark;
  /** Everything not yet sent, oldest first. */
  remarks(): Remark[];
  /** Sends what an earlier page has left. */
  start(): void;
  resend(id: string): void;
  discard(id: string): void;
  /** A message was read in the log: that is as good as a receipt. */
  found(id: string): void;
  /** The network may be back: do not wait. */
  wake(): void;
  /** Nothing is sent any more. */
  close(): void;
};

/** `send` makes one attempt and calls back once, later. */
export function createOutbox(
  environment: Environment,
  store: RemarkStore,
  send: (remark: Remark, done: (outcome: Outcome) => void) => void,
): Outbox {
  const emitter = createEmitter<OutboxEvents>(environment);
  const backoff = createBackoff(environment);
  let remarks = store.load();
  let sending = false;
  let isClosed = false;
  let waiting: (() => void) | undefined;

  return {
    on: emitter.on,
    say(text) {
      const remark: Remark = {
        id: createClientId(environment),
        text,
        state: waiting === undefined ? "sending" : "kept",
      };
      remarks = remarks.concat([remark]);
      store.save(remarks);
      emitter.emit("changed", remark);
      sendNext();
      return remark;
    },
    remarks: () => remarks,
    start: sendNext,
    resend(id) {
      const remark = find(id);
      if (remark === undefined || remark.state !== "refused") return;
      change(remark, "kept");
      sendNext();
    },
    discard(id) {
      const remark = find(id);
      if (remark === undefined || remark.state !== "refused") return;
      remove(remark);
      emitter.emit("discarded", remark);
    },
    found(id) {
      const remark = find(id);
      if (remark !== undefined) remove(remark);
    },
    close() {
      isClosed = true;
      waiting?.();
    },
    wake() {
      if (waiting === undefined) return;
      waiting();
      waiting = undefined;
      sendNext();
    },
  };

  function sendNext(): void {
    const remark = firstUnsent();
    if (isClosed || sending || waiting !== undefined || remark === undefined) return;
    sending = true;
    change(remark, "sending");
    send(remark, (outcome) => {
      if (isClosed) return;
      sending = false;
      settle(remark, outcome);
      sendNext();
    });
  }

  function settle(remark: Remark, outcome: Outcome): void {
    if ("retry" in outcome) {
      change(remark, "kept");
      waiting = environment.later(backoff.next(outcome.retryMs), () => {
        waiting = undefined;
        sendNext();
      });
      return;
    }
    backoff.reset();
    if ("refused" in outcome) {
      remark.code = outcome.refused;
      change(remark, "refused");
    } else {
      remove(remark);
      emitter.emit("sent", { remark, receipt: outcome.receipt, rttMs: outcome.rttMs });
    }
  }

  function change(remark: Remark, state: Remark["state"]): void {
    if (remark.state === state || find(remark.id) === undefined) return;
    remark.state = state;
    store.save(remarks);
    emitter.emit("changed", remark);
  }

  function remove(gone: Remark): void {
    remarks = without(remarks, gone);
    store.save(remarks);
  }

  function find(id: string): Remark | undefined {
    for (let i = 0; i < remarks.length; i++) if (remarks[i]?.id === id) return remarks[i];
    return undefined;
  }

  function firstUnsent(): Remark | undefined {
    for (let i = 0; i < remarks.length; i++) if (remarks[i]?.state !== "refused") return remarks[i];
    return undefined;
  }
}
