import type { Answer } from "../connections.ts";
import type { System } from "../systems/system.ts";
import { chatteraPoll } from "./chattera-poll.ts";
import { nchanPoll } from "./nchan-poll.ts";
import { socketIoPoll } from "./socket.io-poll.ts";

/** How a poller makes its request, and whatever else it sends, with these values filled in. */
export type Fill = (values?: { [name: string]: string }) => string;

/** One poller: returns its next request, given the answer to the one before. */
export type Wire = (answer?: Answer) => string;

/** A poller. `sends` makes what it posts besides its polls. */
export function openWire(kind: Exclude<System["wire"], "endless">, polls: Fill, sends: Fill): Wire {
  if (kind === "chattera-poll") return chatteraPoll(polls);
  if (kind === "nchan-poll") return nchanPoll(polls);
  return socketIoPoll(polls, sends);
}
