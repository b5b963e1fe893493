import type { System } from "../systems/system.ts";
import { chatteraPoll } from "./chattera-poll.ts";
import { nchanPoll } from "./nchan-poll.ts";
import { socketIoPoll } from "./socket.io-poll.ts";
import type { Fill, Wire } from "./wire.ts";

/** Opens a poller. `sends` makes the requests that it posts as well as its polls. */
export function openWire(kind: Exclude<System["wire"], "endless">, polls: Fill, sends: Fill): Wire {
  if (kind === "chattera-poll") return chatteraPoll(polls);
  if (kind === "nchan-poll") return nchanPoll(polls);
  return socketIoPoll(polls, sends);
}
