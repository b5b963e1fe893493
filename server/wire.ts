import { z } from "zod";
import {
  BATCH_MESSAGES,
  CLIENT_ID,
  HISTORY_MESSAGES,
  NONCE,
  PAGE_EVENTS,
  PAGE_WHISPERS,
  PEOPLE_PAGE,
  PEOPLE_SHOWN,
  PING_MS,
  POLL_WAIT_MAX_SECONDS,
  POLL_WAIT_SECONDS,
  SEARCH_RESULTS,
  SEARCH_RESULTS_MAX,
  STREAM_BYTES_MAX,
  STREAM_BYTES_MIN,
} from "../protocol/limits.ts";
import { AUDIENCES, ROLES } from "../protocol/room-settings.ts";

/**
 * The schemas by which requests of the API are read. /api/openapi.json is made of the same ones, so
 * that it cannot promise what the server refuses.
 */

/** A key of the sender's for one message or change, by which a resend is recognized. */
export const clientIdSchema = z.string().regex(CLIENT_ID);

/** The color of a nickname. */
export const colorSchema = z.string().regex(/^#[0-9a-fA-F]{6}$/);

/** Makes a request unique, and is returned in its answer. */
export const nonceSchema = z.string().regex(NONCE);

/** The seq of an event: 1, 2, 3… in a room. */
export const seqSchema = whole(1, Number.MAX_SAFE_INTEGER);

/** Several messages, before each is checked: one that is refused does not stop the others. */
export const batchSchema = z
  .array(z.looseObject({ id: z.string(), text: z.string() }))
  .min(1)
  .max(BATCH_MESSAGES);

/** A role in a room, or none. */
export const roleSchema = z.enum(ROLES).nullable();

/** The acts of moderators that a ban stands for. */
export const banActSchema = z.enum(["silence", "shut-out", "remove"]);

/** A member's id has no controls, a trip its diamond, and a network eight letters and digits. */
export const targetSchemas = {
  member: z.string().regex(/^[\x21-\x7e]{1,100}$/),
  trip: z.string().regex(/^◆[\w+/=.-]{6,40}$/),
  network: z.string().regex(/^[a-km-np-z2-9]{8}$/),
} as const;

/** The numbers of a room's settings. */
export const settingSchemas = {
  slowSeconds: whole(0, 3_600),
  newcomerSeconds: whole(0, 86_400),
  historyForNewcomers: whole(0, 1_000),
  keepDays: whole(1, 3_650),
} as const;

/** The people of a setting such as `mayRead`. */
export const audienceSchema = z.enum(AUDIENCES);

/** How long a ban that ends can hold: a year. */
export const banMinutesSchema = whole(1, 365 * 24 * 60);

/** How many entries of the log of moderation a page has. */
export const actsSchema = whole(1, 200).default(50);

/** The numbers that parameters may have, and their defaults. */
export const numberSchemas = {
  /** How long a poll may be held, in seconds. */
  wait: whole(0, POLL_WAIT_MAX_SECONDS).default(POLL_WAIT_SECONDS),
  /** The seconds between two pings of a stream. */
  ping: whole(2, 60).default(PING_MS / 1000),
  /** The bytes after which a stream ends. */
  max: whole(STREAM_BYTES_MIN, STREAM_BYTES_MAX).optional(),
  whispers: whole(1, PAGE_WHISPERS).default(HISTORY_MESSAGES),
  /** Messages of a page of history, people of a page of the list, and results of a search. */
  history: whole(1, PAGE_EVENTS).default(HISTORY_MESSAGES),
  people: whole(1, PEOPLE_SHOWN).default(PEOPLE_PAGE),
  results: whole(1, SEARCH_RESULTS_MAX).default(SEARCH_RESULTS),
  /** A place in the log. */
  seq: seqSchema.optional(),
} as const;

function whole(min: number, max: number) {
  const problem = `a whole number from ${min} to ${max}`;
  return z.int(problem).min(min, problem).max(max, problem);
}
