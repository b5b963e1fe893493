import type { ResetReason, RoomEvent } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import { type Html, html, link } from "./html.ts";
import { figuresOf, fill, wordsOf } from "./language.ts";
import { documentEnd, documentStart, homeLink, languageSwitch, type PageFrame } from "./layout.ts";
import { messageLine } from "./message-line.ts";
import { type Back, enterForm, leaveForm, messageForm } from "./room.ts";

/** How a live page is asked for: renewed every so many seconds (0: it grows); the log alone, for the frame in a room's page. */
export type LiveManner = { room: string; refresh: number; isBare: boolean };

/** A live page. `context` is what was said up to the reader's place, `news` what came after it. */
export type LiveView = {
  manner: LiveManner;
  title: string;
  context: RoomEvent[];
  news: RoomEvent[];
  cursor: string;
  /** The next page is fetched after so many; 0 for one that grows. */
  seconds: number;
  /** It was to grow, and cannot now. */
  isBusy: boolean;
  reset: ResetReason | undefined;
  figures: { members: number; visitors: number };
  present: boolean;
  clientId: string;
};

/** The address of a live page, in the path throughout: w3m ends a refresh's address at `;`, and networks strip queries. */
export function liveAddress({ room, refresh, isBare }: LiveManner, after?: string): string {
  const place = after === undefined ? "" : `/after=${encodeURIComponent(after)}`;
  return `${PATHS.live(room)}/refresh=${refresh}${place}${isBare ? ";only=log" : ""}`;
}

/** A page that is whole, newest line first for who reads it from the top, and fetches the next one by itself. */
export function renderRefreshing(frame: PageFrame, view: LiveView): string {
  const { manner, cursor, seconds, context, news } = view;
  return html`${opening(frame, view, refreshTo(frame, manner, cursor, seconds))}
<ol id="log" class="log newest-first">
${linesOf(frame, [...context, ...news]).reverse()}</ol>
${closing()}`.toString();
}

/** The beginning of a page that grows, up to where its log goes on. */
export function renderGrowing(frame: PageFrame, view: LiveView): string {
  return html`${opening(frame, view)}
<ol id="log" class="log">
${linesOf(frame, view.context)}`.toString();
}

/** Events as lines of a growing page. */
export function growingLines(frame: PageFrame, events: RoomEvent[], previous: RoomEvent | undefined): string {
  return linesOf(frame, events, previous).join("");
}

/** Says in a growing page that messages are missing here. */
export function growingGap(frame: PageFrame): string {
  return html`<li class="line notice"><span class="text">${wordsOf(frame.language).live.resets.pruned}</span></li>\n`.toString();
}

/** A picture that cannot be seen: whose browser fetches it has been handed the page as far as this. */
export function growingSign(frame: PageFrame, path: string): string {
  return html`<li class="sign"><img src="${link(frame.basePath + path)}" width="1" height="1" alt=""></li>\n`.toString();
}

/** Sends the browser on should the page be cut from here on; of several, the last counts. */
export function growingPing(frame: PageFrame, manner: LiveManner, cursor: string): string {
  return html`${refreshTo(frame, manner, cursor, CUT_SECONDS)}\n`.toString();
}

/** A page that was cut is fetched anew this soon. */
const CUT_SECONDS = 3;

/** The end of a page that grew, with a link to go on by where browsers do not refresh. */
export function growingEnd(frame: PageFrame, manner: LiveManner, cursor: string, seconds: number): string {
  const next = link(frame.basePath + liveAddress(manner, cursor));
  return html`</ol>
${refreshTo(frame, manner, cursor, seconds)}
<p class="read-on"><a href="${next}">${wordsOf(frame.language).live.readOn}</a></p>
${closing()}`.toString();
}

function refreshTo(frame: PageFrame, manner: LiveManner, cursor: string, seconds: number): Html {
  return html`<meta http-equiv="refresh" content="${seconds}; url=${link(frame.basePath + liveAddress(manner, cursor))}">`;
}

/** The form stands before the log in the page, so that it works while the page grows, and below it on the screen. */
function opening(frame: PageFrame, view: LiveView, head?: Html): Html {
  const { manner, cursor, title } = view;
  const page = { name: "room-page live-page", title: `${title} — chattera`, isPlain: true, head };
  return html`${documentStart(frame, page)}
<main id="live" class="room" data-room="${manner.room}" data-cursor="${cursor}">
${!manner.isBare && liveBar(frame, view)}
<div class="room-body">
<div class="foot">
${manner.isBare ? connectionLine(frame, view) : foot(frame, view)}
</div>
<section class="log-scroll" tabindex="0" aria-label="${wordsOf(frame.language).log}" aria-live="polite">`;
}

function closing(): Html {
  return html`</section>
</div>
</main>
${documentEnd()}`;
}

function liveBar(frame: PageFrame, view: LiveView): Html {
  const words = wordsOf(frame.language);
  const form = { room: { slug: view.manner.room, title: view.title } };
  return html`<header class="bar">
${homeLink(frame)}
<h1 class="bar-title">${view.title}</h1>
${connectionLine(frame, view)}
<nav class="bar-end"><span class="people-figures">${figuresOf(words.roomFigures, view.figures)}</span> ${view.present && leaveForm(frame, form)}${languageSwitch(frame)}</nav>
</header>`;
}

/** What the page does, what it shows, and the way to the other manner where this one does not do. */
function connectionLine(frame: PageFrame, view: LiveView): Html {
  const { live } = wordsOf(frame.language);
  const { manner, seconds, isBusy, reset } = view;
  const grows = manner.refresh === 0 && !isBusy;
  const to = (refresh: number) => link(frame.basePath + liveAddress({ ...manner, refresh }, view.cursor));
  const stopRefreshing = !isBusy && html`<a href="${to(0)}">${live.stopRefreshing}</a>`;
  const told = grows
    ? html`<span>${live.grows}</span> <a href="${to(OTHER_SECONDS)}">${fill(live.startRefreshing, { seconds: OTHER_SECONDS })}</a>`
    : html`<span>${fill(isBusy ? live.busy : live.refreshes, { seconds })}</span> <a href="${to(manner.refresh)}">${live.refreshNow}</a> ${stopRefreshing} ${shown(frame, view)}`;
  return html`<p id="connection" class="connection" data-state="${grows ? "live" : "slow"}" data-transport="page">${told}</p>
${reset && html`<p class="problem">${live.resets[reset]}</p>`}`;
}

/** How often a page is renewed by who follows the link to that. */
const OTHER_SECONDS = 10;

/** Which messages a renewing page shows, by number, and how many of them are new. */
function shown(frame: PageFrame, { context, news }: LiveView): Html | undefined {
  const events = [...context, ...news];
  const [first, last] = [events[0]?.seq, events.at(-1)?.seq];
  if (first === undefined || last === undefined) return undefined;
  const { live } = wordsOf(frame.language);
  return html`<span class="shown" data-first="${first}" data-last="${last}" data-new="${news.length}">${fill(live.shown, { first, last, n: news.length })}</span>`;
}

/** The forms lead back here, and where the page was renewed, to what was said since. */
function foot(frame: PageFrame, view: LiveView): Html {
  const { manner, title, clientId } = view;
  const back: Back = { refresh: manner.refresh, after: view.seconds > 0 ? view.cursor : undefined };
  const form = { room: { slug: manner.room, title }, clientId, back };
  return view.present ? messageForm(frame, form) : enterForm(frame, form);
}

function linesOf(frame: PageFrame, events: RoomEvent[], previous?: RoomEvent): Html[] {
  const words = wordsOf(frame.language);
  return events.map((event, index) => messageLine(words, event, events[index - 1] ?? previous));
}
