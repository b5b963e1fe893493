import { createWallClock } from "../pages/time-stamp.ts";
import { refuse } from "../refusal.ts";

const DAY_MS = 24 * 3_600_000;

/** The longest name of a time zone has 30 characters. */
const ZONE_LENGTH = 64;

/**
 * Reads a moment: RFC 3339 with its offset, or a date, `2026-11-30`, whose first moment in a time
 * zone is meant. Throws `malformed`.
 */
export function readMoment(name: string, text: string, timeZone: string): Date {
  const moment = /^\d{4}-\d\d-\d\d$/.test(text)
    ? startOfDay(text, timeZone)
    : new Date(RFC_3339.test(text) ? text : "");
  if (Number.isNaN(moment.getTime())) throw refuse("malformed", `${name}: a date, or a moment of RFC 3339`);
  return moment;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** Returns a time zone under its own IANA name. Throws `malformed`. */
export function readZone(name: string | undefined, otherwise: string): string {
  if (name === undefined) return otherwise;
  try {
    if (name.length <= ZONE_LENGTH) return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw refuse("malformed", "zone: a time zone by its IANA name");
}

/** Returns the date after a date. */
export function dayAfter(date: string): string {
  const next = new Date(Date.parse(date) + DAY_MS);
  return Number.isNaN(next.getTime()) ? "" : next.toISOString().slice(0, 10);
}

/**
 * Returns the first moment of a date in a time zone: of those that a clock there shows as midnight,
 * by the offsets of the days around it. Where the clock is set forward at midnight, the day begins
 * at one o'clock.
 */
function startOfDay(date: string, timeZone: string): Date {
  const midnight = Date.parse(date);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== date) return new Date(Number.NaN);
  const clock = createWallClock(timeZone);
  const shown = (ms: number): number => {
    const { year, month, day, hour, minute } = clock(new Date(ms));
    return Date.UTC(year, month - 1, day, hour, minute);
  };
  const starts = [midnight - DAY_MS, midnight + DAY_MS].map((near) => midnight - (shown(near) - near));
  return new Date(Math.min(...starts.filter((start) => shown(start) >= midnight)));
}
