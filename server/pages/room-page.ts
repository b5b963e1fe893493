import type { RoomEvent } from "../../protocol/event.ts";
import { hasLine } from "../../protocol/line.ts";
import { type Html, html, link } from "./html.ts";
import { fill, wordsOf } from "./language.ts";
import { lineText } from "./message-line.ts";
import { nicknameOf, tagMark, tripOf } from "./people.ts";
import { createWallClock, dayName, type TimeLayout } from "./time-stamp.ts";

/** A room's log as a page of its own, piece by piece. */
export type RoomPage = { start(): string; lines(events: RoomEvent[]): string; end(): string };

/**
 * Creates the page of a room's log for a file: it needs no server, no script and no other file. A
 * line has its seq as its anchor.
 */
export function createRoomPage(layout: TimeLayout, room: { slug: string; title: string }): RoomPage {
  const words = wordsOf(layout.language);
  const clock = createWallClock(layout.timeZone);
  let day = "";

  return { start, lines, end: () => "</ol>\n</body>\n</html>\n" };

  function start(): string {
    const title = room.title === room.slug ? room.title : `${room.title} (${room.slug})`;
    return html`<!doctype html>
<html lang="${layout.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
${STYLE}
</head>
<body>
<h1 dir="auto">${title}</h1>
<ol class="log">
`.toString();
  }

  function lines(events: RoomEvent[]): string {
    return events
      .filter(({ kind }) => hasLine(kind))
      .map((event) => html`${dayOf(event)}${lineOf(event)}`.toString())
      .join("");
  }

  function dayOf({ at }: RoomEvent): Html | false {
    const name = dayName(layout, at);
    if (name === day) return false;
    day = name;
    return html`<li class="day"><h2><time datetime="${at}">${name}</time></h2></li>
`;
  }

  function lineOf(event: RoomEvent): Html {
    const { seq, kind, member, at } = event;
    const { hour, minute } = clock(new Date(at));
    const time = `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
    const reply = kind === "message" ? event.reply : undefined;
    const quote =
      reply !== undefined &&
      html`<a href="#${link(`m${reply}`)}">${fill(words.script.quoted, { seq: String(reply) })}</a> `;
    const edited = kind === "message" && event.edited && html` <small>${words.script.edited}</small>`;
    return html`<li id="m${seq}" class="${kind}"><a class="at" href="#m${seq}"><time datetime="${at}">${time}</time></a> <b style="--color:${member.color}">${nicknameOf(member)}${tagMark(member)} ${member.trip !== undefined && tripOf(member)}</b> ${quote}<span dir="auto" class="text">${lineText(words, event)}</span>${edited}</li>
`;
  }
}

const STYLE = html`<style>
body { max-width: 50rem; margin: 0 auto; padding: 1rem; font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
.log { list-style: none; margin: 0; padding: 0; }
.day h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
.at { color: inherit; opacity: .75; text-decoration: none; font-variant-numeric: tabular-nums; }
b { color: var(--color); }
.text { white-space: pre-wrap; }
.enter .text, .leave .text, .rename .text { opacity: .8; }
:target { outline: 2px solid; }
@media (prefers-color-scheme: dark) { b { color: color-mix(in srgb, var(--color) 45%, white); } }
</style>`;
