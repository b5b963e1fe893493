import { LRUCache } from "lru-cache";
import { momentText, type WallTime } from "../../protocol/moment.ts";
import { type Html, html, link } from "./html.ts";
import type { PageLayout } from "./layout.ts";

/** The part of a page that its times need. */
export type TimeLayout = Pick<PageLayout, "language" | "timeZone">;

/**
 * Renders a moment in the site's time zone: the time of day, the date unless it is today, and the
 * year unless it is this year's. Its title names the zone. The script replaces it by the reader's
 * own time.
 */
export function timeStamp(layout: TimeLayout, at: string): Html {
  const { language, timeZone } = layout;
  const text = momentText(wallTimeOf(timeZone, at), wallTimeOf(timeZone, now()), language);
  return html`<time datetime="${at}" title="${link(titles.fetch(layout, at))}">${link(text)}</time>`;
}

/** Returns the name of a moment's day in the language of the page, for example 2026年11月30日月曜日. */
export function dayName(layout: TimeLayout, at: string): string {
  return days.fetch(layout, at);
}

/** Returns a moment on the clock of a time zone. */
export function wallTimeOf(timeZone: string, at: string): WallTime {
  return wallTimes.fetch({ language: "en", timeZone }, at);
}

/** Returns a clock of a time zone. It keeps nothing, so that a request may name any zone. */
export function createWallClock(timeZone: string): (moment: Date) => WallTime {
  const format = new Intl.DateTimeFormat("en", { ...FIGURES, timeZone });
  return (moment) => {
    const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) as number;
    return { year: part("year"), month: part("month"), day: part("day"), hour: part("hour"), minute: part("minute") };
  };
}

/** Returns the current moment as RFC 3339. */
export function now(): string {
  return new Date().toISOString();
}

/** Formatting takes 5 µs, and each visitor's page shows the same minutes of the same rooms. */
const MINUTES_KEPT = 10_000;

const wallTimes = createKept((layout) => createWallClock(layout.timeZone));

const titles = createKept(({ language, timeZone }) => {
  const format = new Intl.DateTimeFormat(language, { ...FIGURES, timeZone, timeZoneName: "short" });
  return (moment) => format.format(moment);
});

const days = createKept(({ language, timeZone }) => {
  const format = new Intl.DateTimeFormat(language, { dateStyle: "full", timeZone });
  return (moment) => format.format(moment);
});

const FIGURES = {
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
} as const;

/** Keeps one formatter for each language and time zone, and what it made of each minute. */
function createKept<Made extends object | string>(create: (layout: TimeLayout) => (moment: Date) => Made) {
  const formatters = new Map<string, (moment: Date) => Made>();
  const kept = new LRUCache<string, Made>({ max: MINUTES_KEPT });
  return {
    fetch(layout: TimeLayout, at: string): Made {
      const name = `${layout.language} ${layout.timeZone}`;
      const key = `${name} ${at.slice(0, 16)}`;
      let made = kept.get(key);
      if (made === undefined) {
        const format = formatters.get(name) ?? create(layout);
        formatters.set(name, format);
        made = format(new Date(at));
        kept.set(key, made);
      }
      return made;
    },
  };
}
