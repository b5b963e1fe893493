import type { Link } from "./link.ts";
import type { State } from "./state.ts";

/** The phase of a session, by its open connections: see docs/client-states.md. */
export type Phase = "waiting" | "polling" | "proving" | "streaming" | "renewing" | "closed";

/** Returns the phase that a session is in. */
export function phaseOf(state: State): Phase {
  const { stream, candidate, poll } = state;
  if (is(state, "closed")) return "closed";
  if (stream !== undefined) return candidate === undefined ? "streaming" : "renewing";
  if (candidate !== undefined) return "proving";
  return poll === undefined ? "waiting" : "polling";
}

/** Returns the feed: the link that brings the events now. */
export function feedOf({ stream, poll }: State): Link | undefined {
  return stream || poll;
}

/** Whether the status is this one. */
export function is({ status }: State, which: State["status"]["state"]): boolean {
  return status.state === which;
}

/**
 * Whether a message or a question is under way. Old browsers and some networks allow two
 * connections: the feed, or the stream that is to become it, and this one.
 */
export function givesWay({ isSending, question }: State): boolean {
  return isSending || question !== undefined;
}

/** Whether a poll may be open. */
export function mayPoll(state: State): boolean {
  return !(givesWay(state) && state.candidate !== undefined);
}

/** Whether another request may be open besides the feed, or besides the poll that is due. */
export function mayProve(state: State): boolean {
  return !(givesWay(state) && (state.isPollSet || feedOf(state) !== undefined));
}
