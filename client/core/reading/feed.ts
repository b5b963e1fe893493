import { givesWay, mayPoll } from "./phase.ts";
import { poll, pollAgain, stopPolling } from "./polls.ts";
import type { State } from "./state.ts";
import { prove, putOff } from "./streams.ts";

/** Polls unless the feed is a stream, and proves a stream if one is due. */
export function serve(state: State): void {
  state.isAway = false;
  if (state.stream === undefined && mayPoll(state) && state.poll === undefined && !state.isPollSet) poll(state);
  prove(state);
}

/** Serves, unless the pause after a stream that was cut still runs. */
export function keepServing(state: State): void {
  if (!state.isAway) serve(state);
}

/** Polls again now: a poll that is open is not trusted. */
export function retry(state: State): void {
  state.isAway = false;
  if (mayPoll(state)) pollAgain(state);
  prove(state);
}

/** Opens the feed again: the rooms have changed. */
export function renew(state: State): void {
  if (state.poll !== undefined) pollAgain(state);
  state.renewAt = 0;
  putOff(state);
  prove(state);
}

/** Makes room for a message or a question, or uses the room that it has left. */
export function giveWay(state: State): void {
  if (!givesWay(state)) keepServing(state);
  else if (state.stream !== undefined) putOff(state);
  else if (state.candidate !== undefined) stopPolling(state);
}
