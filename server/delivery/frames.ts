import { sumOf } from "../../protocol/cursor.ts";
import type { RoomEvent, SignalName } from "../../protocol/event.ts";

/**
 * Names the encoding of a transport's frames: Server-Sent Events, JSON for a list, script calls for
 * an iframe. `html` is JSON too, from which the transport makes lines of a page in the reader's
 * language.
 */
export type FrameFormat = "sse" | "json" | "script" | "html";

/**
 * An event as a tail keeps it: encoded once for all readers. `bytes` is its size in UTF-8, `sum`
 * the checksum for cursors behind it. `edits` is the seq of the message that an edit changes, and
 * `changedBy` the seq of the event that has changed a message in the tail; otherwise they are 0.
 */
export type EncodedEvent = {
  seq: number;
  json: string;
  bytes: number;
  sum: number;
  edits: number;
  changedBy: number;
};

/**
 * Encodes an event as one line of JSON without `<`, `>` and `&`, so that old IE cannot sniff HTML
 * in it.
 */
export function encodeEvent(event: RoomEvent): EncodedEvent {
  const json = toJson(event);
  const edits = event.kind === "edit" ? event.target : 0;
  return { seq: event.seq, json, bytes: Buffer.byteLength(json), sum: sumOf(event), edits, changedBy: 0 };
}

/**
 * Encodes a value as JSON with `<`, `>`, `&`, U+2028 and U+2029 escaped, harmless wherever it is
 * shown or run.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapeCharacter);
}

/** Returns the bytes of some events. `cursorAfter` returns the cursor after an event. */
export function frameOf(
  format: FrameFormat,
  events: EncodedEvent[],
  cursorAfter: (event: EncodedEvent) => string,
): Buffer {
  if (format === "json" || format === "html") return Buffer.from(events.map((event) => event.json).join(","));
  const { event } = SYNTAX[format];
  return Buffer.from(events.map((each) => event(each.json, cursorAfter(each))).join(""));
}

/**
 * Returns the bytes of a signal in a stream. A list, such as a reset in several rooms, becomes one
 * frame for each.
 */
export function signalFrame(format: "sse" | "script", name: SignalName, data: SignalData | SignalData[]): Buffer {
  const { signal } = SYNTAX[format];
  return Buffer.from(
    [data]
      .flat()
      .map((each) => signal(name, toJson(each), each))
      .join(""),
  );
}

type SignalData = { retry?: number; cursor?: string; [member: string]: unknown };

type StreamSyntax = {
  event(json: string, cursor: string): string;
  signal(name: SignalName, json: string, data: SignalData): string;
};

/**
 * The signals that say where a reader is. With their id, a browser's EventSource that is cut before
 * its first event comes back with the place where it began.
 */
const SETS_POSITION: ReadonlySet<SignalName> = new Set(["hello", "reset"]);

const SYNTAX: { sse: StreamSyntax; script: StreamSyntax } = {
  sse: {
    // [trust 1.1] The data come before the id, so that a cut inside an event never looks like a
    // whole event.
    event: (json, cursor) => `data: ${json}\nid: ${cursor}\n\n`,
    // [trust 1.2] The retry is part of an event with data: six libraries take a block without data
    // for an empty event.
    signal: (name, json, { retry, cursor }) =>
      `event: ${name}\n${retry === undefined ? "" : `retry: ${retry}\n`}data: ${json}\n${
        SETS_POSITION.has(name) ? `id: ${cursor}\n` : ""
      }\n`,
  },
  script: {
    event: (json, cursor) => scriptCall("message", json, cursor),
    signal: (name, json) => scriptCall(name, json, ""),
  },
};

/**
 * The name of the function that an iframe's head defines, the same for all readers, so that they
 * share these bytes.
 */
export const SCRIPT_FUNCTION = "chattera";

function scriptCall(name: string, json: string, cursor: string): string {
  return `<script>${SCRIPT_FUNCTION}("${name}",${json},"${cursor}")</script>\n`;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
