import type { RoomEvent, SignalName } from "../../protocol/event.ts";

/** How a transport wants its frames: as Server-Sent Events, or as JSON for a list. */
export type Format = "sse" | "json";

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

/**
 * The bytes of some events. `cursorAt` gives the cursor behind an event.
 *
 * [trust 1.1] `data:` stands before `id:`, so that a cut inside an event can never be taken for a whole one.
 */
export function frameOf(format: Format, entries: Entry[], cursorAt: (seq: number) => string): Buffer {
  if (format === "json") return Buffer.from(entries.map((entry) => entry.json).join(","));
  return Buffer.from(entries.map((entry) => `data: ${entry.json}\nid: ${cursorAt(entry.seq)}\n\n`).join(""));
}

/** The bytes of a signal for an event stream; a `retry` stands in a real event, for a block without data is an empty event to six libraries. */
export function signalFrame(name: SignalName, data: unknown, retryMs?: number): Buffer {
  const retry = retryMs === undefined ? "" : `retry: ${retryMs}\n`;
  return Buffer.from(`event: ${name}\n${retry}data: ${toJson(data)}\n\n`);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
