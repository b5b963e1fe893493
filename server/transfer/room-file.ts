import { z } from "zod";
import { StartError } from "../../db/start-error.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { CLIENT_ID } from "../../protocol/limits.ts";

/** The format of files of a room. */
export const ROOM_FORMAT = 1;

/**
 * The first line of a file of a room. The others are the events of the protocol, in order: those
 * with the seqs from `first` to `last`.
 */
export type RoomHeader = z.output<typeof HEADER>;

const HEADER = z.object({
  chattera: z.literal("room"),
  format: z.int(),
  version: z.string(),
  exportedAt: z.string(),
  first: z.int().min(1),
  last: z.int().min(0),
  room: z.object({
    slug: z.string(),
    title: z.string(),
    public: z.boolean(),
    silent: z.boolean().default(false),
    showsWords: z.boolean().default(true),
    description: z.string().default(""),
    rules: z.record(z.string(), z.unknown()).default({}),
    hasPassword: z.boolean().default(false),
  }),
});

// An event may be from before a limit was lowered, so the limits here are only those that bound
// memory.
const name = z.string().min(1).max(400);
const member = z.object({
  id: z.string().regex(/^[\w-]{1,100}$/),
  nickname: name,
  color: z.string().regex(/^#[0-9a-f]{6}$/i),
  trip: name.optional(),
  tag: name.optional(),
});
const seq = z.int().min(1);

const EVENT = z.object({
  seq,
  // Whispers are in no room's file.
  kind: z.enum(["message", "enter", "leave", "edit", "erase", "rename", "unname", "notice"]),
  member,
  at: z.iso.datetime({ offset: true }),
  text: z.string().max(20_000).optional(),
  id: z.string().regex(CLIENT_ID).optional(),
  reply: seq.optional(),
  target: seq.optional(),
  edited: z.literal(true).optional(),
  erased: z.literal(true).optional(),
  former: member.optional(),
  by: z.literal("moderator").optional(),
});

/** The longest line: an event with the longest text, each character escaped. */
export const LINE_MAX = 256 * 1024;

/** Reads the first line of a file of a room. Throws a StartError. */
export function readHeader(name: string, line: string | undefined): RoomHeader {
  const value = parsed(line);
  const format = (value as { format?: unknown } | undefined)?.format;
  if (typeof format === "number" && format > ROOM_FORMAT)
    throw new StartError(
      `${name} has format ${format}, and this chattera reads up to ${ROOM_FORMAT}: import it with a newer chattera.`,
    );
  const header = HEADER.safeParse(value);
  if (header.success) return header.data;
  throw new StartError(`${name} is not a room of chattera: name a JSONL file that chattera export has written.`);
}

/**
 * Reads the line of the event `seq`. Throws a StartError if it is missing, or is not that event.
 */
export function readEvent(
  name: string,
  line: string | undefined,
  { seq, last }: { seq: number; last: number },
): RoomEvent {
  if (line === undefined)
    throw new StartError(
      `${name} ends at event ${seq - 1} of ${last}, and all before it are stored: import a complete file to add the rest.`,
    );
  const event = EVENT.safeParse(parsed(line));
  if (event.success && event.data.seq === seq) return event.data as unknown as RoomEvent;
  throw new StartError(
    `${name} is damaged where event ${seq} should be, so only the events before it are stored: repair the file, and ` +
      "run the command again.",
  );
}

function parsed(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? "");
  } catch {
    return undefined;
  }
}
