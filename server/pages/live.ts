import type { Member, ResetReason, RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { isSaid } from "../../protocol/line.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { RoomSignal } from "../../protocol/room-settings.ts";
import { type Html, html, link } from "./html.ts";
import { figuresOf, fill, wordsOf } from "./language.ts";
import { documentEnd, documentStart, homeLink, languageSwitch, type PageLayout } from "./layout.ts";
import { logLines, newestFirst, newestOnTop } from "./log-lines.ts";
import { olderLink } from "./past.ts";
import { renameLink } from "./rename.ts";
import { type Back, enterForm, leaveForm, messageForm } from "./room.ts";
import { roomStateBox } from "./room-state.ts";
import { settingsPanel } from "./settings-panel.ts";

/**
 * How a live page reads on: it refreshes every `refresh` seconds, or grows if that is 0. `isBare`
 * shows the log alone, for the iframe of a room's page.
 */
export type LiveOptions = { room: string; refresh: number; isBare: boolean };

/**
 * A live page. `context` holds the events up to the reader's position without those in `skipped`,
 * `events` those after it.
 */
export type LiveView = {
  options: LiveOptions;
  title: string;
  /** The state of the room, as everyone may know it. */
  now: RoomSignal;
  /** Members may enter without a line in the log. */
  allowsSilence: boolean;
  context: RoomEvent[];
  skipped: SkippedRun[];
  events: RoomEvent[];
  cursor: string;
  /** Seconds until the next page is fetched; 0 for a page that grows. */
  seconds: number;
  /** The page should grow, but the node cannot serve that at the moment. */
  isBusy: boolean;
  reset: ResetReason | undefined;
  figures: { members: number; visitors: number };
  /** The people to whom the reader can whisper. */
  members: Member[];
  present: boolean;
  clientId: string;
};

/**
 * Returns the address of a live page. Everything is in the path: w3m ends the address of a refresh
 * at `;`, and some networks strip queries.
 */
export function liveAddress({ room, refresh, isBare }: LiveOptions, after?: string): string {
  const position = after === undefined ? "" : `/after=${encodeURIComponent(after)}`;
  return `${PATHS.live(room)}/refresh=${refresh}${position}${isBare ? ";only=log" : ""}`;
}

/**
 * Renders a whole page that fetches the next one automatically. The newest line comes first,
 * because text browsers show the top.
 */
export function renderRefreshing(layout: PageLayout, view: LiveView): string {
  const { options, cursor, seconds, context, events, skipped } = view;
  const shown = { events: [...context, ...events], skipped, isPlain: true };
  const { isNewestOnTop } = layout.view;
  return html`${opening(layout, view, refreshTo(layout, { options, cursor, seconds }))}
<ol id="log" class="log${!isNewestOnTop && " newest-first"}">
${isNewestOnTop ? newestOnTop(layout, shown) : newestFirst(layout, shown)}${isEmpty(shown.events) && emptyLine(layout)}</ol>
${closing()}`.toString();
}

/** Renders the beginning of a page that grows, up to the point where its log continues. */
export function renderGrowing(layout: PageLayout, view: LiveView): string {
  return html`${opening(layout, view)}
<ol id="log" class="log growing">
${isEmpty(view.context) && emptyLine(layout)}${logLines(layout, { ...view, events: view.context, isPlain: true })}`.toString();
}

function isEmpty(events: RoomEvent[]): boolean {
  return !events.some(({ kind }) => isSaid(kind));
}

/** Renders the line of a room without messages. It stays, like every line of a growing page. */
function emptyLine(layout: PageLayout): Html {
  const { title, lead } = wordsOf(layout.language).emptyRoom;
  return html`<li class="line notice"><span class="text">${title}${layout.language === "ja" ? "。" : ". "}${lead}</span></li>\n`;
}

/**
 * Renders the events of one write as lines of a growing page. A line that was sent never changes.
 */
export function growingLines(layout: PageLayout, events: RoomEvent[], previous: RoomEvent | undefined): string {
  return logLines(layout, { events, previous, isPlain: true }).join("");
}

/** Renders the line of a growing page that says that messages are missing here. */
export function growingGap(layout: PageLayout): string {
  return growingNotice(wordsOf(layout.language).live.resets.pruned);
}

/**
 * Renders the line of a growing page that says that no messages come for now, or that they come
 * again.
 */
export function growingStaleness(layout: PageLayout, isStale: boolean): string {
  const { stale, fresh } = wordsOf(layout.language).live;
  return growingNotice(isStale ? stale : fresh);
}

function growingNotice(sentence: string): string {
  return html`<li class="line notice"><span class="text">${sentence}</span></li>\n`.toString();
}

/**
 * Renders an invisible picture. A browser that fetches it has received the page up to this point.
 */
export function growingSign(layout: PageLayout, path: string): string {
  return html`<li class="sign"><img src="${link(layout.basePath + path)}" width="1" height="1" alt=""></li>\n`.toString();
}

/**
 * Renders a refresh that sends the browser on if the page is cut after it. The last refresh of a
 * page counts.
 */
export function growingPing(layout: PageLayout, options: LiveOptions, cursor: string): string {
  return html`${refreshTo(layout, { options, cursor, seconds: CUT_SECONDS })}\n`.toString();
}

/** The delay before a page that was cut is fetched again. */
const CUT_SECONDS = 3;

/**
 * Where a page continues: the next page has these options, begins at `cursor` and is fetched after
 * `seconds`.
 */
export type Continuation = { options: LiveOptions; cursor: string; seconds: number };

/** Renders the end of a page that grew, with a link for browsers that do not refresh. */
export function growingEnd(layout: PageLayout, continuation: Continuation): string {
  const { options, cursor } = continuation;
  const next = link(layout.basePath + liveAddress(options, cursor));
  return html`</ol>
${refreshTo(layout, continuation)}
<p class="read-on"><a href="${next}">${wordsOf(layout.language).live.readOn}</a></p>
${closing()}`.toString();
}

function refreshTo(layout: PageLayout, { options, cursor, seconds }: Continuation): Html {
  return html`<meta http-equiv="refresh" content="${seconds}; url=${link(layout.basePath + liveAddress(options, cursor))}">`;
}

/**
 * The form precedes the log in the document, so that it works while the page grows. The style sheet
 * shows it below.
 */
function opening(layout: PageLayout, view: LiveView, head?: Html): Html {
  const { options, cursor, title } = view;
  const page = { name: "room-page live-page", title, isPlain: true, head };
  return html`${documentStart(layout, page)}
<main id="live" class="room${layout.view.isNewestOnTop && " newest-on-top"}" data-room="${options.room}" data-cursor="${cursor}">
${!options.isBare && liveBar(layout, view)}
<div class="room-body">
${!options.isBare && roomStateBox(layout, view.now)}
<div class="foot">
${options.isBare ? connectionLine(layout, view) : foot(layout, view)}
</div>
<section class="log-scroll" tabindex="0" aria-label="${wordsOf(layout.language).log}" aria-live="polite">`;
}

function closing(): Html {
  return html`</section>
</div>
</main>
${documentEnd()}`;
}

function liveBar(layout: PageLayout, view: LiveView): Html {
  const words = wordsOf(layout.language);
  const form = { room: { slug: view.options.room, title: view.title } };
  return html`<header class="bar">
${homeLink(layout)}
<h1 class="bar-title" dir="auto">${view.title}</h1>
${connectionLine(layout, view)}
<nav class="bar-end"><span class="people-figures">${figuresOf(words.roomFigures, view.figures)}</span> ${view.present && html`${layout.canOpen && renameLink(layout, view.options.room)} ${leaveForm(layout, form)}`}${settingsPanel(layout)}${languageSwitch(layout)}</nav>
</header>`;
}

/**
 * Says how the page reads on and which messages it shows, and links to the other way of reading.
 */
function connectionLine(layout: PageLayout, view: LiveView): Html {
  const { live } = wordsOf(layout.language);
  const { options, seconds, isBusy, reset } = view;
  const grows = options.refresh === 0 && !isBusy;
  const to = (refresh: number) => link(layout.basePath + liveAddress({ ...options, refresh }, view.cursor));
  const stopRefreshing = !isBusy && html`<a href="${to(0)}">${live.stopRefreshing}</a>`;
  const status = grows
    ? html`<span>${live.grows}</span> <a href="${to(LINKED_REFRESH_SECONDS)}">${fill(live.startRefreshing, { seconds: LINKED_REFRESH_SECONDS })}</a>`
    : html`<span>${fill(isBusy ? live.busy : live.refreshes, { seconds })}</span> <a href="${to(options.refresh)}">${live.refreshNow}</a> ${stopRefreshing} ${shown(layout, view)}`;
  return html`<p id="connection" class="connection" data-state="${grows ? "live" : "slow"}" data-transport="page">${status} ${older(layout, view)}</p>
${reset && html`<p class="problem">${live.resets[reset]}</p>`}`;
}

/** The seconds between refreshes for a reader who follows the link to a page that refreshes. */
const LINKED_REFRESH_SECONDS = 10;

/**
 * The messages before a page may be gone, so its link may lead to an empty page. Text browsers have
 * no line to spare on a page that grows; one that refreshes has the link.
 */
function older(layout: PageLayout, { options, context, events }: LiveView): Html | false {
  const first = [...context, ...events].find(({ kind }) => kind !== "whisper");
  if (!layout.canOpen && options.refresh === 0) return false;
  return first !== undefined && first.seq > 1 && olderLink(layout, options.room, first.seq);
}

/** Says which messages a page shows, by number, and how many of them are new. */
function shown(layout: PageLayout, { context, events }: LiveView): Html | undefined {
  const all = [...context, ...events].filter(({ kind }) => kind !== "whisper");
  const [first, last] = [all[0]?.seq, all.at(-1)?.seq];
  if (first === undefined || last === undefined) return undefined;
  const { live } = wordsOf(layout.language);
  return html`<span class="shown" data-first="${first}" data-last="${last}" data-new="${events.length}">${fill(live.shown, { first, last, n: events.length })}</span>`;
}

/** The forms lead back to this page and, if it refreshes, to the events since its cursor. */
function foot(layout: PageLayout, view: LiveView): Html {
  const { options, title, allowsSilence, clientId, members } = view;
  const back: Back = { refresh: options.refresh, after: view.seconds > 0 ? view.cursor : undefined };
  const form = { room: { slug: options.room, title, allowsSilence }, clientId, members, back };
  return view.present ? messageForm(layout, form) : enterForm(layout, form);
}
