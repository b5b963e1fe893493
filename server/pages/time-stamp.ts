import { type Html, html } from "./html.ts";

/** An event's time of day, 24 hours, UTC; the script puts the reader's own time in its place. */
export function timeStamp(at: string): Html {
  return html`<time datetime="${at}">${at.slice(11, 16)}</time>`;
}
