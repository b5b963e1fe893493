/**
 * How a line of the log reads, both on the page from the server and in the lines that a script
 * adds.
 */

/**
 * Whether an event of this kind is a line of the log. An edit or an erase changes the line of its
 * message. A kind that this version does not know is skipped.
 */
export function hasLine(kind: string): boolean {
  return isSaid(kind) || kind === "enter" || kind === "leave" || kind === "rename";
}

/**
 * The kinds of events that carry words, which a moderator can erase. The database has the same
 * list, in the constraint `events_change_check` and in erase_messages.sql.
 */
export const SAID_KINDS = ["message", "notice", "whisper"] as const;

/** Whether an event of this kind is something that a person, or the site, says. */
export function isSaid(kind: string): boolean {
  return kind === "message" || kind === "notice" || kind === "whisper";
}

/** Whether the words of an event were erased. */
export function isErased(event: { kind: string; erased?: true }): boolean {
  return event.erased === true;
}

/** The nickname is not repeated when the same person writes again within five minutes. */
export const SAME_SPEAKER_MS = 300_000;

/** A nickname is repeated after this time, however often its owner writes. */
export const LONGEST_RUN_MS = 900_000;

/** Without a nickname, a message later than this after the last one with it shows its time. */
export const TIMELESS_MS = 300_000;

/** Returns a whole number with commas between thousands, and a text unchanged. */
export function grouped(value: number | string): string {
  return typeof value === "number" ? String(value).replace(/\B(?=(\d{3})+$)/g, ",") : value;
}
