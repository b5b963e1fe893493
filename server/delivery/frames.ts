import type { RoomEvent, SignalName } from "../../protocol/event.ts";

/**
 * How a transport wants its frames: as Server-Sent Events; as JSON for a list; as script calls for an iframe; for a page
 * ("html") as JSON too, of which its transport makes lines in the reader's language.
 */
export type Format = "sse" | "json" | "script" | "html";

/** An event as it is kept in a tail: encoded once for everybody; `bytes` is its size in UTF-8. */
export type Entry = { seq: number; json: string; bytes: number };

/** Encodes an event. Its JSON is one line and holds no `<`, `>` or `&`, so that old IE cannot sniff HTML in it. */
export function entryOf(event: RoomEvent): Entry {
  const json = toJson(event);
  return { seq: event.seq, json, bytes: Buffer.byteLength(json) };
}

/** JSON with `<`, `>`, `&`, U+2028 and U+2029 escaped: the same value, harmless wherever it is shown or run. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapeCharacter);
}

/** The bytes of some events. `cursorAt` gives the cursor behind an event. */
export function frameOf(format: Format, entries: Entry[], cursorAt: (seq: number) => string): Buffer {
  if (format === "json" || format === "html") return Buffer.from(entries.map((entry) => entry.json).join(","));
  const { event } = STREAMS[format];
  return Buffer.from(entries.map((entry) => event(entry.json, cursorAt(entry.seq))).join(""));
}

/** The bytes of a signal in a stream; of a list of them, as a reset in several rooms is, one frame each. */
export function signalFrame(format: "sse" | "script", name: SignalName, data: SignalData | SignalData[]): Buffer {
  const { signal } = STREAMS[format];
  return Buffer.from(
    [data]
      .flat()
      .map((each) => signal(name, toJson(each), each.retry))
      .join(""),
  );
}

type SignalData = { retry?: number; [member: string]: unknown };

type Stream = {
  event(json: string, cursor: string): string;
  signal(name: SignalName, json: string, retryMs: number | undefined): string;
};

const STREAMS: { sse: Stream; script: Stream } = {
  sse: {
    // [trust 1.1] data stands before id, so that a cut inside an event can never be taken for a whole one
    event: (json, cursor) => `data: ${json}\nid: ${cursor}\n\n`,
    // [trust 1.2] retry stands in a real event, for a block without data is an empty event to six libraries
    signal: (name, json, retryMs) =>
      `event: ${name}\n${retryMs === undefined ? "" : `retry: ${retryMs}\n`}data: ${json}\n\n`,
  },
  script: {
    event: (json, cursor) => scriptCall("message", json, cursor),
    signal: (name, json) => scriptCall(name, json, ""),
  },
};

/** A call of the function that the page's head defines: by the same name for everybody, so that readers share these bytes. */
function scriptCall(name: string, json: string, cursor: string): string {
  return `<script>${SCRIPT_FUNCTION}("${name}",${json},"${cursor}")</script>\n`;
}

/** What a frame's scripts call. */
export const SCRIPT_FUNCTION = "chattera";

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
