import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { Misbehaviour } from "./proxy.ts";

/** Passes an answer on only when it is complete, as a virus scanner does. */
export const holdWhole: Misbehaviour = async (asked, pass) => {
  const answer = await pass(asked);
  return { ...answer, body: Readable.from([await buffer(answer.body)]) };
};

/**
 * Holds an answer, including its headers, until `bytes` of it have arrived. Passes the rest on at
 * once.
 */
export function holdFirst(bytes: number): Misbehaviour {
  return async (asked, pass) => {
    const answer = await pass(asked);
    const pieces: AsyncIterator<Buffer> = answer.body[Symbol.asyncIterator]();
    let first = Buffer.alloc(0);
    while (first.length < bytes) {
      const { done, value } = await pieces.next();
      if (done) break;
      first = Buffer.concat([first, value]);
    }
    return { ...answer, body: Readable.from(joined(first, pieces)) };
  };
}

async function* joined(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* { [Symbol.asyncIterator]: () => rest };
}

/** Passes an answer on in blocks of `bytes`, and the remainder when it ends. */
export function holdBlocks(bytes: number): Misbehaviour {
  return inPieces(async function* (pieces) {
    let held = Buffer.alloc(0);
    for await (const piece of pieces) {
      held = Buffer.concat([held, piece]);
      const whole = held.length - (held.length % bytes);
      if (whole > 0) yield held.subarray(0, whole);
      held = held.subarray(whole);
    }
    yield held;
  });
}

/**
 * Passes each piece on when the next one arrives, as some virus scanners do, and the last one at
 * the end.
 */
export const onePieceLate: Misbehaviour = inPieces(async function* (pieces) {
  let held: Buffer | undefined;
  for await (const piece of pieces) {
    if (held) yield held;
    held = piece;
  }
  if (held) yield held;
});

/** Passes the headers of an answer on at once and its body through `reshape`. */
export function inPieces(reshape: (pieces: AsyncIterable<Buffer>) => AsyncGenerator<Buffer>): Misbehaviour {
  return async (asked, pass) => {
    const answer = await pass(asked);
    return { ...answer, body: Readable.from(reshape(answer.body)) };
  };
}
