import { type Html, html } from "./html.ts";

/**
 * Renders a moment as 24-hour time in UTC, with the date unless it is today. The script replaces it
 * by local time.
 */
export function timeStamp(at: string): Html {
  const [day, time] = [at.slice(0, 10), at.slice(11, 16)];
  const isToday = day === new Date().toISOString().slice(0, 10);
  const date = `${Number(day.slice(5, 7))}/${Number(day.slice(8, 10))}`;
  return html`<time datetime="${at}">${isToday ? time : `${date} ${time}`}</time>`;
}
