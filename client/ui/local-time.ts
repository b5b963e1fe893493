import { momentText, type WallTime } from "../../protocol/moment.ts";
import { lasting, optional } from "./browser.ts";

const MINUTE_MS = 60_000;

/**
 * Replaces the server's times by the reader's own in all `<time>` of a part of the page. The date
 * is shown too, unless it is today's.
 */
export function showLocalTimes(root: ParentNode): void {
  for (const time of root.querySelectorAll<HTMLTimeElement>("time[datetime*=T]")) showTime(time);
}

/** Shows a moment as the reader's 24-hour time. The day is not shown. */
export function showLocalTime(element: HTMLTimeElement, at: string): void {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return;
  element.dateTime = at;
  element.textContent = clockTime(moment);
  element.title = format("whole", { dateStyle: "full", timeStyle: "medium" }, moment);
}

/** Shows an element's moment as the reader's time, with the date unless it is today. */
export function showTime(element: HTMLTimeElement): void {
  const at = element.dateTime;
  const moment = new Date(at);
  showLocalTime(element, at);
  if (!Number.isNaN(moment.getTime()))
    element.textContent = momentText(wallTime(moment), wallTime(new Date()), document.documentElement.lang);
}

function wallTime(moment: Date): WallTime {
  return {
    year: moment.getFullYear(),
    month: moment.getMonth() + 1,
    day: moment.getDate(),
    hour: moment.getHours(),
    minute: moment.getMinutes(),
  };
}

/** Returns the day of a moment where the reader is, as `2026-11-30`. */
export function dayOf(ms: number): string {
  const moment = new Date(ms);
  return `${moment.getFullYear()}-${twoDigits(moment.getMonth() + 1)}-${twoDigits(moment.getDate())}`;
}

/** Returns the words for a day, such as `Monday, November 30`. This year is left out. */
export function dayLabel(day: string): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const moment = new Date(year, month - 1, date);
  if (document.documentElement.lang === "ja")
    return format("ja", { year: "numeric", month: "long", day: "numeric", weekday: "short" }, moment);
  const isClear = year === new Date().getFullYear();
  const parts: Intl.DateTimeFormatOptions = { month: "long", day: "numeric", weekday: "long" };
  return isClear ? format("day", parts, moment) : format("year", { ...parts, year: "numeric" }, moment);
}

/**
 * Calls back, as long as an element is on the page, when another day has begun, or when the reader
 * is in another time zone. A clock that was asleep, or set, is noticed within a minute, and when
 * the page is looked at again.
 */
export function onNewDay(element: Element, changed: () => void): void {
  let shown = zoneAndDay();
  const look = () => {
    const now = zoneAndDay();
    if (now === shown || !element.isConnected) return;
    shown = now;
    formats.clear();
    changed();
  };
  const wait = () => setTimeout(tick, Math.min(MINUTE_MS, msToMidnight()));
  const tick = () => {
    look();
    if (element.isConnected) wait();
  };
  wait();
  document.addEventListener("visibilitychange", look, lasting());
  document.addEventListener("resume", look, lasting());
  window.addEventListener("pageshow", look, lasting());
  window.addEventListener("focus", look, lasting());
}

function clockTime(moment: Date): string {
  return `${twoDigits(moment.getHours())}:${twoDigits(moment.getMinutes())}`;
}

function zoneAndDay(): string {
  const now = new Date();
  return `${now.toDateString()} ${now.getTimezoneOffset()}`;
}

function msToMidnight(): number {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime() - now.getTime();
}

// Creating a format takes a hundred times longer than using it.
const formats = new Map<string, Intl.DateTimeFormat>();

function format(name: string, options: Intl.DateTimeFormatOptions, moment: Date): string {
  const known = formats.get(name) ?? optional(() => new Intl.DateTimeFormat(document.documentElement.lang, options));
  if (known === undefined) return moment.toLocaleString();
  formats.set(name, known);
  return known.format(moment);
}

function twoDigits(figure: number): string {
  return String(figure).padStart(2, "0");
}
