import { setTimeout as sleep } from "node:timers/promises";
import { inPieces } from "./hold.ts";
import type { Misbehaviour } from "./proxy.ts";

/** Breaks every connection `ms` after its request, answered or not. */
export function cutAfter(ms: number): Misbehaviour {
  return (asked, pass) => {
    const timer = setTimeout(() => asked.near.destroy(), ms);
    asked.over.addEventListener("abort", () => clearTimeout(timer));
    return pass(asked);
  };
}

/** Breaks answers without a Content-Length after `bytes`. */
export function cutEndlessAfter(bytes: number): Misbehaviour {
  const cut = inPieces(async function* (pieces) {
    let left = bytes;
    for await (const piece of pieces) {
      yield piece.subarray(0, left);
      left -= piece.length;
      if (left < 0) throw new Error("cut");
    }
  });
  return async (asked, pass) => {
    const answer = await pass(asked);
    return answer.headers["content-length"] === undefined ? cut(asked, async () => answer) : answer;
  };
}

/** Closes the connection after each answer. */
export const closeAfterEach: Misbehaviour = async (asked, pass) => ({ ...(await pass(asked)), closes: true });

/** [RFC 1945] Speaks HTTP/1.0 only: no chunks, no keep-alive. */
export const speakOldHttp: Misbehaviour = async (asked, pass) => {
  const { "content-length": _, ...headers } = asked.headers;
  return { ...(await pass({ ...asked, headers })), isOld: true };
};

/** Delays requests and pieces of answers at random. Requests overtake each other, pieces do not. */
export function jitter(upToMs: number): Misbehaviour {
  const aWhile = () => sleep(Math.random() * upToMs);
  const late = inPieces(async function* (pieces) {
    for await (const piece of pieces) {
      await aWhile();
      yield piece;
    }
  });
  return async (asked, pass) => {
    await aWhile();
    return late(asked, pass);
  };
}
