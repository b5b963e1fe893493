import type { Emitter } from "../base/emitter.ts";

/**
 * How a session stands. `transport` is what carries its events; `slow`: no stream passes here and none is being tried;
 * `failures` counts attempts in vain since something last came through.
 */
export type SessionStatus = {
  state: "connecting" | "live" | "waiting" | "closed";
  transport: string;
  slow: boolean;
  failures: number;
};

/** Keeps a session's status and tells of every change. */
export type StatusKeeper = {
  is(state: SessionStatus["state"]): boolean;
  /** What is not given stays. */
  set(state: SessionStatus["state"], transport?: string, slow?: boolean): void;
  /** An attempt was in vain. */
  failed(): void;
  /** The server was heard: whatever else is wrong, the attempts are not in vain. */
  reached(): void;
};

/** A keeper that tells `emitter`. */
export function createStatus(emitter: Pick<Emitter<{ status: SessionStatus }>, "emit">): StatusKeeper {
  let status: SessionStatus = { state: "connecting", transport: "", slow: false, failures: 0 };

  function change(next: SessionStatus): void {
    if (
      next.state === status.state &&
      next.transport === status.transport &&
      next.slow === status.slow &&
      next.failures === status.failures
    )
      return;
    status = next;
    emitter.emit("status", next);
  }

  return {
    is: (state) => status.state === state,
    set(state, transport = status.transport, slow = status.slow) {
      change({ state, transport, slow, failures: state === "live" ? 0 : status.failures });
    },
    failed() {
      const { transport, slow, failures } = status;
      change({ state: "waiting", transport, slow, failures: failures + 1 });
    },
    reached() {
      const { state, transport, slow } = status;
      change({ state, transport, slow, failures: 0 });
    },
  };
}
