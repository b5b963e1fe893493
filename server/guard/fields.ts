import { BATCH_MESSAGES, FIELDS_MAX } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";
import type { Guards } from "./guards.ts";

/**
 * Names that may repeat: rooms, and all names of a cursor [Yaffle lastEventId, older polyfills
 * evs_last_event_id].
 */
export const MAY_REPEAT = new Set(["room", "after", "lastEventId", "evs_last_event_id"]);

/** Names that repeat in a form, a query or a path with several messages. */
const OF_A_MESSAGE = new Set(["id", "text", "reply"]);

/** The most fields: those of a batch of messages, and all others. */
export const FIELDS_WITH_BATCH_MAX = FIELDS_MAX + OF_A_MESSAGE.size * BATCH_MESSAGES;

/** Returns whether a name may repeat on a route with these guards. */
export function mayRepeat(name: string, guards: Guards | undefined): boolean {
  return MAY_REPEAT.has(name) || (guards?.batch === true && OF_A_MESSAGE.has(name));
}

/**
 * Refuses a form with more than 50 fields, before it is parsed. Empty fields count. The ids,
 * texts and replies of 50 messages may come on top. Throws `malformed`.
 */
export function assertFewFields(encoded: string): void {
  let at = -1;
  for (let fields = 1; fields <= FIELDS_MAX; fields += 1) {
    at = encoded.indexOf("&", at + 1);
    if (at < 0) return;
  }
  assertFewNames(encoded.split("&", FIELDS_WITH_BATCH_MAX + 1).map((field) => field.split("=", 1)[0]));
}

/** Refuses too many parameters, by their names. Throws `malformed`. */
export function assertFewNames(names: (string | undefined)[]): void {
  if (names.length <= FIELDS_MAX) return;
  const others = names.filter((name) => name === undefined || !OF_A_MESSAGE.has(name));
  if (names.length > FIELDS_WITH_BATCH_MAX || others.length > FIELDS_MAX) throw tooMany();
}

/**
 * Refuses a body with more than 50 members, or with more than 50 values in one of them. Throws
 * `malformed`.
 */
export function assertFewMembers(body: object): void {
  const values = Object.values(body);
  if (values.length > FIELDS_MAX || values.some((value) => Array.isArray(value) && value.length > FIELDS_MAX))
    throw tooMany();
}

/**
 * Returns the refusal of a name that repeats and may not. It does not quote the name, which a
 * visitor wrote.
 */
export function repeats(): Error {
  return refuse("malformed", "a parameter is repeated that may appear once only");
}

function tooMany(): Error {
  return refuse("malformed", `at most ${FIELDS_MAX} fields`);
}
