import type { ByeSignal, PollAnswer, ResetSignal } from "../../protocol/event.ts";
import { toJson } from "../delivery/frames.ts";
import type { Reader, Transport } from "../delivery/reader.ts";

/** A poll that waits for its answer. */
export type Poll = { transport: Transport; answer: Promise<Buffer> };

type PollOptions = { waitMs: number; nonce: string | undefined };

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
  const transport: Transport = {
    name: "poll",
    format: "json",
    firstBeatMs: options.waitMs,
    write: (frame, of) => finish(of, frame),
    signal: (signal, of) => {
      if (signal.name === "reset") finish(of, NOTHING, { resets: signal.data });
      if (signal.name === "bye") finish(of, NOTHING, { bye: signal.data });
    },
    beat: (of) => {
      finish(of, NOTHING);
      return undefined;
    },
    unsent: () => 0,
    drained: () => Promise.resolve(),
    end: (of) => finish(of, NOTHING),
  };
  return { transport, answer };

  function finish(of: Reader, events: Buffer, told: Told = {}): void {
    if (isAnswered) return;
    isAnswered = true;
    settle(Buffer.concat([OPENING, events, closing(of, options.nonce, told)]));
    onDone();
  }
}

const NOTHING = Buffer.alloc(0);
const OPENING = Buffer.from('{"chattera":1,"events":[');

/** What an answer says beside events. */
type Told = { resets?: ResetSignal[]; bye?: ByeSignal };

/** What stands behind the events: the rest of a PollAnswer. */
function closing(reader: Reader, n: string | undefined, { resets = [], bye }: Told): Buffer {
  const signals: PollAnswer["signals"] = bye ? [{ signal: "bye", ...bye }] : [];
  for (const { members } of reader.tails) if (members) signals.push({ signal: "members", ...members });
  const rest: Omit<PollAnswer, "chattera" | "events"> = { signals, cursor: reader.cursor() };
  if (resets[0]) rest.reset = resets[0];
  if (resets.length > 1) rest.resets = resets;
  if (n !== undefined) rest.n = n;
  return Buffer.from(`],${toJson(rest).slice(1)}`);
}
