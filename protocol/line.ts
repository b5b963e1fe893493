/**
 * How a line of the log reads, both on the page from the server and in the lines that a script
 * adds.
 */

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
