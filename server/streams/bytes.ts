import { STREAM_BYTES } from "../../protocol/limits.ts";
import { SSE_HEADERS, sse } from "./sse.ts";
import type { Way } from "./stream.ts";

/** [networks] The bytes of an event stream under another name, for fetch and XHR: some networks refuse event streams by their type. */
export function stream(isPadded: boolean): Way {
  return isPadded ? PADDED : PLAIN;
}

const PLAIN = renamed(sse(false));
const PADDED = renamed(sse(true));

function renamed(way: Way): Way {
  const headers = { ...SSE_HEADERS, "Content-Type": "application/octet-stream" };
  return { ...way, name: "stream", headers, maxBytes: STREAM_BYTES };
}
