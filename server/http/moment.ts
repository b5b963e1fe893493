import { createWallClock } from "../pages/time-stamp.ts";
import { refuse } from "../refusal.ts";

const DAY_MS = 24 * 3_600_000;

/** The longest name of a time zone has 30 characters. */
const ZONE_LENGTH = 64;

/**
 * Reads a moment: RFC 3339 with its offset, or a date, `2026-11-30`, whose first moment in a time
 * zone is meant. A moment outside the years 1970 to 9999 is the nearest one in them, since
 * PostgreSQL does not read all of the others. Throws `malformed`.
 */
export function readMoment(name: string, text: string, timeZone: string): Date {
  return within(isDate(text) ? startOfDay(Date.parse(text), timeZone) : readInstant(name, text));
}

/** Reads the end of a stretch of time, to which a date belongs as a whole. Throws `malformed`. */
export function readEnd(name: string, text: string, timeZone: string): Date {
  return within(isDate(text) ? startOfDay(Date.parse(text) + DAY_MS, timeZone) : readInstant(name, text));
}

/** Returns whether a text is a date that a calendar has. Date.parse() takes February 30, too. */
function isDate(text: string): boolean {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

function readInstant(name: string, text: string): number {
  const ms = RFC_3339.test(text) && isDate(text.slice(0, 10)) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw refuse("malformed", `${name}: a date, or a moment of RFC 3339`);
  return ms;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

function within(ms: number): Date {
  return new Date(Math.min(Math.max(ms, FIRST_MS), LAST_MS));
}

const FIRST_MS = 0;
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

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

/**
 * Returns the first moment of a day in a time zone, from its midnight in UTC: of those that a clock
 * there shows as midnight, by the offsets of the days around it. Where the clock is set forward at
 * midnight, the day begins at one o'clock.
 */
function startOfDay(midnight: number, timeZone: string): number {
  // Far in the past or the future, no message is at stake.
  if (midnight < FIRST_MS - DAY_MS || midnight > LAST_MS - 2 * DAY_MS) return midnight;
  const clock = createWallClock(timeZone);
  const shown = (ms: number): number => {
    const { year, month, day, hour, minute } = clock(new Date(ms));
    return Date.UTC(year, month - 1, day, hour, minute);
  };
  const starts = [midnight - DAY_MS, midnight + DAY_MS].map((near) => midnight - (shown(near) - near));
  return Math.min(...starts.filter((start) => shown(start) >= midnight));
}
