import { STREAM_BYTES } from "../../protocol/limits.ts";
import type { Way } from "./endless.ts";
import { SSE_HEADERS, sse } from "./sse.ts";

/** [networks] The bytes of an event stream under another name, for fetch and XHR: some networks refuse event streams by their type. */
export function stream(isPadded: boolean): Way {
  const headers = { ...SSE_HEADERS, "Content-Type": "application/octet-stream" };
  return { ...sse(isPadded), name: "stream", headers, maxBytes: STREAM_BYTES };
}
