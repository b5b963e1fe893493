import type { System } from "../systems/system.ts";
import { chatteraPoll } from "./chattera-poll.ts";
import { nchanPoll } from "./nchan-poll.ts";
import { socketIoPoll } from "./socket.io-poll.ts";

/** An answer to a poll. */
export type Answer = { head: string; body: string };

/** One poller: given each answer, its next request. */
export type Wire = (answer: Answer) => string;

/** A poller whose first request was this one. */
export function openWire(kind: Exclude<System["wire"], "endless">, firstRequest: string): Wire {
  if (kind === "chattera-poll") return chatteraPoll(firstRequest);
  if (kind === "nchan-poll") return nchanPoll(firstRequest);
  return socketIoPoll();
}
