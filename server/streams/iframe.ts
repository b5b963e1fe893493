import { STREAM_BYTES } from "../../protocol/limits.ts";
import { SCRIPT_FUNCTION } from "../delivery/frames.ts";
import { SSE_HEADERS } from "./sse.ts";
import type { Way } from "./stream.ts";

/** A page that never ends, for an iframe in old browsers: each frame is a script that calls `callback`. */
export function frame(callback: string): Way {
  return {
    name: "frame",
    format: "script",
    headers: HEADERS,
    prelude: Buffer.from(headOf(callback)),
    maxBytes: STREAM_BYTES,
    filler: Buffer.from(" \n"),
  };
}

/** This page alone may run what stands in it: nothing of it is anybody's text but as JSON without `<`. */
const HEADERS = {
  ...SSE_HEADERS,
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": "default-src 'none';script-src 'unsafe-inline';frame-ancestors 'self'",
};

/**
 * Opened as a page of its own it calls nothing: `callback=opener.…` would be another site's hand on a page of ours that
 * it opened. In a frame there is `frame-ancestors`. The 2 KiB are for browsers that show nothing of a page before them.
 */
function headOf(callback: string): string {
  const definition = `function ${SCRIPT_FUNCTION}(name,data,cursor){if(parent!=window)${callback}(name,data,cursor)}`;
  return `<!doctype html><html><head><meta charset="utf-8"><title>chattera</title></head><body>
<script>${definition}</script>
<!--${" ".repeat(2048)}-->
`;
}
