import type { ByeSignal, PollAnswer, ResetSignal } from "../../protocol/event.ts";
import { toJson } from "../delivery/frames.ts";
import type { Reader, ReaderTransport } from "../delivery/reader.ts";

/** A poll that waits for its answer. */
export type Poll = { transport: ReaderTransport; answer: Promise<Buffer> };

type PollOptions = { waitMs: number; nonce: string | undefined; rooms: PollAnswer["rooms"] };

/**
 * Waits for the first events, for `waitMs`, or for the end. Nothing is kept when it is answered: the next poll's
 * cursor says all, to any node.
 */
export function openPoll(options: PollOptions, onDone: () => void): Poll {
  let settle: (body: Buffer) => void = () => undefined;
  const answer = new Promise<Buffer>((resolve) => {
    settle = resolve;
  });
  let isAnswered = false;
  const transport: ReaderTransport = {
    name: "poll",
    format: "json",
    firstHeartbeatMs: options.waitMs,
    write: (frame, of) => finish(restOf(of, frame)),
    signal: (signal, of) => {
      if (signal.name === "reset") finish(restWith(of, { resets: signal.data }));
      if (signal.name === "bye") finish(restWith(of, { bye: signal.data }));
    },
    heartbeat: (of) => {
      finish(restWith(of));
      return undefined;
    },
    unsent: () => 0,
    drained: () => Promise.resolve(),
    end: (of) => finish(restWith(of)),
  };
  return { transport, answer };

  function finish(rest: Buffer): void {
    if (isAnswered) return;
    isAnswered = true;
    const rooms = options.rooms ? `"rooms":${toJson(options.rooms)},` : "";
    settle(Buffer.concat([Buffer.from(beginning(options.nonce) + rooms), rest]));
    onDone();
  }
}

/** How an answer begins: what is its own. */
export function beginning(nonce: string | undefined): string {
  return nonce === undefined ? '{"chattera":1,' : `{"chattera":1,"n":"${nonce}",`;
}

/** How it goes on and ends: for all who are handed the same frame of the one room they read the same Buffer. */
export function restOf(reader: Reader, frame: Buffer): Buffer {
  if (reader.tails.length > 1) return restWith(reader, {}, frame);
  const members = reader.tails[0]?.members;
  const known = rests.get(frame);
  if (known && known.members === members) return known.rest;
  const rest = restWith(reader, {}, frame);
  rests.set(frame, { members, rest });
  return rest;
}

const rests = new WeakMap<Buffer, { members: object | undefined; rest: Buffer }>();

/** What an answer says beside events. */
type Told = { resets?: ResetSignal[]; bye?: ByeSignal };

/** The same for one reader: PollAnswer without its beginning. */
export function restWith(reader: Reader, { resets = [], bye }: Told = {}, frame?: Buffer): Buffer {
  const signals: PollAnswer["signals"] = bye ? [{ signal: "bye", ...bye }] : [];
  for (const { members } of reader.tails) if (members) signals.push({ signal: "members", ...members });
  const rest: Omit<PollAnswer, "chattera" | "events" | "n" | "rooms"> = { signals, cursor: reader.cursor() };
  if (resets[0]) rest.reset = resets[0];
  if (resets.length > 1) rest.resets = resets;
  return Buffer.from(`"events":[${frame ?? ""}],${toJson(rest).slice(1)}`);
}
