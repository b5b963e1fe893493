import type { PollAnswer } from "../../protocol/event.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import { toJson } from "../delivery/frames.ts";
import type { ReaderTransport } from "../delivery/reader.ts";
import { beginning, restOf, restWith } from "./answer.ts";

/** A poll that waits for its answer. */
export type Poll = { transport: ReaderTransport; answer: Promise<Buffer> };

/** `isFirst`: the poll did not ask to be held, as a client's first one does. */
type PollOptions = { waitMs: number; isFirst: boolean; nonce: string | undefined; rooms: PollAnswer["rooms"] };

/**
 * Opens a poll, which is answered with the first events, after `waitMs`, or at the end of its
 * reader. No state is kept: the cursor in the answer is enough for any node to answer the next
 * poll.
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
      if (signal.name === "room") finish(restWith(of));
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
    const protocol = options.isFirst ? `"protocol":${PROTOCOL_VERSION},` : "";
    const rooms = options.rooms ? `"rooms":${toJson(options.rooms)},` : "";
    settle(Buffer.concat([Buffer.from(beginning(options.nonce) + protocol + rooms), rest]));
    onDone();
  }
}
