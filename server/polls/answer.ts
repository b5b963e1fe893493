import type { Socket } from "node:net";
import type { ByeSignal, PollAnswer, ResetSignal } from "../../protocol/event.ts";
import { toJson } from "../delivery/frames.ts";
import type { Reader } from "../delivery/reader.ts";
import { roomSignalOf } from "../delivery/room-now.ts";
import type { Tail } from "../delivery/tail.ts";
import { writeBytes } from "../streams/socket.ts";

/** Returns the beginning of an answer's body, which belongs to its request. */
export function beginning(nonce: string | undefined): string {
  return nonce === undefined ? '{"chattera":1,' : `{"chattera":1,"n":"${nonce}",`;
}

/**
 * Returns the rest of an answer with events, the same Buffer for all readers of one room that are
 * sent the same frame.
 */
export function restOf(reader: Reader, frame: Buffer): Buffer {
  if (reader.tails.length > 1 || reader.isUncounted) return restWith(reader, {}, frame);
  const [tail] = reader.tails;
  const members = tail?.members;
  if (tail !== undefined && tail.shownUntil > 0 && isShown(tail)) return restWith(reader, {}, frame);
  const known = rests.get(frame);
  if (known && known.members === members) return known.rest;
  const rest = restWith(reader, {}, frame);
  rests.set(frame, { members, rest });
  return rest;
}

const rests = new WeakMap<Buffer, { members: object | undefined; rest: Buffer }>();

type Signals = { resets?: ResetSignal[]; bye?: ByeSignal };

/** Returns the rest of an answer that is made for one reader. */
export function restWith(reader: Reader, { resets = [], bye }: Signals = {}, frame?: Buffer): Buffer {
  const signals: PollAnswer["signals"] = bye ? [{ signal: "bye", ...bye }] : [];
  for (const { members } of reader.tails)
    if (members && !reader.isUncounted) signals.push({ signal: "members", ...members });
  for (const tail of reader.tails) if (isShown(tail)) signals.push({ signal: "room", ...roomSignalOf(tail.room) });
  const rest: Omit<PollAnswer, "chattera" | "events" | "n" | "rooms"> = { signals, cursor: reader.cursor() };
  const stale = reader.tails[0]?.stale;
  if (stale !== undefined) rest.stale = stale;
  if (resets[0]) rest.reset = resets[0];
  if (resets.length > 1) rest.resets = resets;
  return Buffer.from(`"events":[${frame ?? ""}],${toJson(rest).slice(1)}`);
}

/** Have the room's settings just changed? */
function isShown(tail: Tail): boolean {
  return tail.shownUntil > performance.now();
}

/** The bytes of an answer on the fast path. Its nonce can be replaced by another of that length. */
type WholeAnswer = { head: string; rest: Buffer; date: string; bytes: Buffer; nonceAt: number; nonceLength: number };

let latest: WholeAnswer | undefined;

/**
 * Makes an answer of a head that lacks date and length, the beginning of the body and its rest. The
 * next reader of a room mostly gets the same bytes except for the nonce, so they are used again
 * with its nonce in them. So the answer has to be sent before the next one is made.
 */
export function makeAnswer(head: string, rest: Buffer, nonce = ""): WholeAnswer {
  const date = now();
  const isSame =
    latest?.rest === rest && latest.head === head && latest.nonceLength === nonce.length && latest.date === date;
  const answer = isSame ? (latest as WholeAnswer) : makeNewAnswer(head, rest, nonce);
  const { bytes, nonceAt } = answer;
  for (let n = 0; n < nonce.length; n += 1) bytes[nonceAt + n] = nonce.charCodeAt(n);
  latest = answer;
  return answer;
}

/** Sends an answer in one write: a write of two parts takes 4 µs more. */
export function sendAnswer(socket: Socket, { bytes }: WholeAnswer): void {
  // Bytes that the kernel has not taken yet must not be changed.
  if (!writeBytes(socket, bytes)) latest = undefined;
}

function makeNewAnswer(head: string, rest: Buffer, nonce: string): WholeAnswer {
  const begun = beginning(nonce === "" ? undefined : nonce);
  const length = begun.length + rest.length;
  const before = `${head}Date: ${date}\r\nContent-Length: ${length}\r\n\r\n`;
  const bytes = Buffer.concat([Buffer.from(before + begun, "latin1"), rest]);
  const nonceAt = before.length + begun.lastIndexOf(nonce);
  return { head, rest, date, bytes, nonceAt, nonceLength: nonce.length };
}

let dated = 0;
let date = "";

/** [RFC 9110 6.6.1] Dates have whole seconds, so one is made in each. */
function now(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dated) date = new Date().toUTCString();
  dated = second;
  return date;
}
