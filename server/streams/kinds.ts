import { STREAM_BYTES } from "../../protocol/limits.ts";
import { SCRIPT_FUNCTION } from "../delivery/frames.ts";

/** Describes one kind of stream: an answer that goes on for as long as its reader stays. */
export type StreamKind = {
  readonly name: "sse" | "stream" | "frame";
  readonly format: "sse" | "script";
  readonly headers: { readonly [name: string]: string };
  /** The bytes before the first frame. */
  readonly prelude: Buffer;
  /**
   * Bytes after which it ends unless the request asks otherwise. Many browsers keep an answer in
   * memory to its end.
   */
  readonly maxBytes: number;
  /** A few bytes without meaning that may stand between any two frames. */
  readonly filler: Buffer;
};

/**
 * [nginx] X-Accel-Buffering makes a bare nginx pass events on; no-store and no-transform are for
 * other proxies.
 */
export const SSE_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
} as const;

/** Server-Sent Events, for EventSource. */
const SSE: StreamKind = {
  name: "sse",
  format: "sse",
  headers: SSE_HEADERS,
  prelude: Buffer.alloc(0),
  maxBytes: Number.POSITIVE_INFINITY,
  // An empty comment, in one block with the frame that follows.
  filler: Buffer.from(":\n"),
};

/**
 * [networks] The bytes of an event stream under another name, for fetch and XHR: some networks
 * refuse event streams by their type.
 */
const BYTES: StreamKind = {
  ...SSE,
  name: "stream",
  headers: { ...SSE_HEADERS, "Content-Type": "application/octet-stream" },
  maxBytes: STREAM_BYTES,
};

/**
 * 2 KiB of comment for browsers and proxies that hold back the first bytes. It is in one block with
 * the `hello` that follows, and so it is no block without data.
 */
const PADDING = Buffer.from(`:${" ".repeat(2048)}\n`);

const PADDED_SSE: StreamKind = { ...SSE, prelude: PADDING };
const PADDED_BYTES: StreamKind = { ...BYTES, prelude: PADDING };

/** Returns the kind of an event stream; a padded one begins with 2 KiB of comment. */
export function sse({ isPadded }: { isPadded: boolean }): StreamKind {
  return isPadded ? PADDED_SSE : SSE;
}

/** Returns the kind of a byte stream; a padded one begins with 2 KiB of comment. */
export function bytes({ isPadded }: { isPadded: boolean }): StreamKind {
  return isPadded ? PADDED_BYTES : BYTES;
}

/**
 * Returns the kind of an endless page for an iframe in old browsers. Each frame is a script that
 * calls `callback`.
 */
export function iframe(callback: string): StreamKind {
  return {
    name: "frame",
    format: "script",
    headers: IFRAME_HEADERS,
    prelude: Buffer.from(iframeHead(callback)),
    maxBytes: STREAM_BYTES,
    filler: Buffer.from(" \n"),
  };
}

/**
 * Only this page may run inline scripts: everything that people wrote is in it as JSON without `<`.
 */
const IFRAME_HEADERS = {
  ...SSE_HEADERS,
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": "default-src 'none';script-src 'unsafe-inline';frame-ancestors 'self'",
};

/**
 * Opened as a page of its own, it calls nothing: with `callback=opener.…` another site could reach
 * into a page of ours that it opened. In an iframe, `frame-ancestors` prevents that. The 2 KiB are
 * for browsers that show nothing before.
 */
function iframeHead(callback: string): string {
  const definition = `function ${SCRIPT_FUNCTION}(name,data,cursor){if(parent!=window)${callback}(name,data,cursor)}`;
  return `<!doctype html><html><head><meta charset="utf-8"><title>chattera</title></head><body>
<script>${definition}</script>
<!--${" ".repeat(2048)}-->
`;
}
