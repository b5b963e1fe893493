import type { Way } from "./stream.ts";

/** [nginx] X-Accel-Buffering is what makes a bare nginx pass events on; no-store and no-transform are for the others. */
export const SSE_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
} as const;

/** Server-Sent Events, for EventSource. */
export function sse(isPadded: boolean): Way {
  return isPadded ? PADDED : PLAIN;
}

/** An empty comment, in one block with what follows. */
const COMMENT = Buffer.from(":\n");

/**
 * 2 KiB of comment for browsers and proxies that hold back the first bytes; it stands in one block with the `hello`
 * that follows, so that it is no block without data.
 */
const PADDING = Buffer.from(`:${" ".repeat(2048)}\n`);

const PLAIN: Way = {
  name: "sse",
  format: "sse",
  headers: SSE_HEADERS,
  prelude: Buffer.alloc(0),
  maxBytes: Number.POSITIVE_INFINITY,
  filler: COMMENT,
};

const PADDED: Way = { ...PLAIN, prelude: PADDING };
