import type { Way } from "./endless.ts";

/** [nginx] X-Accel-Buffering is what makes a bare nginx pass events on; no-store and no-transform are for the others. */
export const SSE_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
} as const;

/** Server-Sent Events, for EventSource. */
export function sse(isPadded: boolean): Way {
  return {
    name: "sse",
    format: "sse",
    headers: SSE_HEADERS,
    prelude: isPadded ? PADDING : "",
    maxBytes: Number.POSITIVE_INFINITY,
    filler: COMMENT,
  };
}

/**
 * 2 KiB of comment for browsers and proxies that hold back the first bytes; it stands in one block with the `hello`
 * that follows, so that it is no block without data.
 */
const PADDING = `:${" ".repeat(2048)}\n`;

/** An empty comment, in one block with what follows. */
const COMMENT = ":\n";
