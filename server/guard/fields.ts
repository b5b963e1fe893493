import { FIELDS_MAX } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";

/**
 * Names that may repeat: rooms, and all names of a cursor [Yaffle lastEventId, older polyfills
 * evs_last_event_id].
 */
export const MAY_REPEAT = new Set(["room", "after", "lastEventId", "evs_last_event_id"]);

/**
 * Refuses a form, a query or path parameters with more than 50 fields, before they are parsed.
 * Empty fields count. Throws `malformed`.
 */
export function assertFewFields(encoded: string, separator: "&" | ";"): void {
  let at = -1;
  for (let fields = 1; fields <= FIELDS_MAX; fields += 1) {
    at = encoded.indexOf(separator, at + 1);
    if (at < 0) return;
  }
  throw tooMany();
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
