import type { Emitter } from "./emitter.ts";

/** How a session stands. `transport` is its rung; `failures` counts attempts in vain since something last came through. */
export type SessionStatus = {
  state: "connecting" | "live" | "waiting" | "closed";
  transport: string;
  streams: boolean;
  failures: number;
};

/** Keeps a session's status and tells of every change. */
export type StatusKeeper = {
  is(state: SessionStatus["state"]): boolean;
  /** Without a rung it stays on the one it is on. */
  set(state: SessionStatus["state"], rung?: { name: string; streams: boolean }): void;
  /** The server was heard: whatever else is wrong, the attempts are not in vain. */
  reached(): void;
};

/** A keeper that tells `emitter`. */
export function createStatus(emitter: Pick<Emitter<{ status: SessionStatus }>, "emit">): StatusKeeper {
  let status: SessionStatus = { state: "connecting", transport: "", streams: false, failures: 0 };
  return {
    is: (state) => status.state === state,
    set(state, rung) {
      const { name: transport, streams } = rung ?? { name: status.transport, streams: status.streams };
      const failures = state === "live" ? 0 : status.failures + (state === "waiting" ? 1 : 0);
      if (state === status.state && transport === status.transport && failures === status.failures) return;
      status = { state, transport, streams, failures };
      emitter.emit("status", status);
    },
    reached() {
      if (status.failures === 0) return;
      status = { state: status.state, transport: status.transport, streams: status.streams, failures: 0 };
      emitter.emit("status", status);
    },
  };
}
