import type { RoomEvent } from "../../protocol/event.ts";
import { SEARCH_LENGTH } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { type Html, html, link } from "./html.ts";
import { fill, wordsOf } from "./language.ts";
import { homeLink, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";
import { markedText } from "./marked-text.ts";
import { nicknameOf, tagMark, tripOf } from "./people.ts";
import { timeStamp } from "./time-stamp.ts";

/**
 * A page that finds messages of a room. `words` is what `text` was read as; it is absent if nothing
 * can be searched for.
 */
export type SearchView = {
  room: { slug: string; title: string };
  text?: string | undefined;
  words?: string[] | undefined;
  found?: { events: RoomEvent[]; rest?: { before: number; at: string } } | undefined;
};

/**
 * Renders the page with which a reader finds messages: by words, by a date, or in a file. The
 * script shows its `#search-body` next to the log.
 */
export function renderSearch(layout: PageLayout, view: SearchView): string {
  const { room } = view;
  const words = wordsOf(layout.language);
  const here = link(layout.basePath + PATHS.room(room.slug));
  const body = html`<main id="search-page" class="search-page">
<header class="bar">
${homeLink(layout)}
<h1 class="bar-title" dir="auto"><a href="${here}">${room.title}</a></h1>
<nav class="bar-end">${languageSwitch(layout)}</nav>
</header>
<div id="search-body" class="search-body">
<p class="search-back"><a class="button quiet small" href="${here}">${words.search.back}</a></p>
${searchForm(layout, view)}
${results(layout, view)}
${dateForm(layout, room.slug)}
${downloadForm(layout, room.slug)}
</div>
</main>`;
  return renderDocument(layout, { name: "search-document", title: `${words.search.title} — ${room.title}`, body });
}

function searchForm(layout: PageLayout, { room, text }: SearchView): Html {
  const { search } = wordsOf(layout.language);
  const action = link(layout.basePath + PATHS.searchPage(room.slug));
  return html`<form id="search" class="search-form" role="search" method="get" action="${action}">
<label for="search-text">${search.label}</label>
<input id="search-text" name="text" type="search" dir="auto" size="30" maxlength="${SEARCH_LENGTH}" value="${text}" required autocomplete="off" enterkeyhint="search">
<button class="button" type="submit">${search.button}</button>
</form>`;
}

function results(layout: PageLayout, view: SearchView): Html | undefined {
  const { search } = wordsOf(layout.language);
  const { room, text, words, found } = view;
  if (text === undefined) return undefined;
  if (words === undefined || found === undefined) return html`<p class="problem" role="alert">${search.invalid}</p>`;
  const { events, rest } = found;
  const items = events.map((event) => resultItem(layout, { event, room: room.slug, words }));
  const none = rest === undefined ? search.none : search.noneYet;
  return html`<section class="results" aria-label="${search.results}">
<p id="search-status" class="hint" role="status">${events.length === 0 ? none : fill(search.found, { n: events.length })}</p>
<ol id="results" class="log">
${items}</ol>
${rest && olderResults(layout, view, rest)}
</section>`;
}

function olderResults(layout: PageLayout, { room, text = "" }: SearchView, rest: { before: number; at: string }): Html {
  const { search } = wordsOf(layout.language);
  const text64 = Buffer.from(text).toString("base64url");
  const href = `${layout.basePath}${PATHS.searchPage(room.slug)};text64=${text64};before=${rest.before}`;
  return html`<p><a class="button quiet" href="${link(href)}" rel="nofollow">${search.older}</a> <span class="hint">${search.since} ${timeStamp(layout, rest.at)}</span></p>`;
}

function resultItem(
  layout: PageLayout,
  { event, room, words }: { event: RoomEvent; room: string; words: string[] },
): Html {
  const { member, seq } = event;
  const href = link(layout.basePath + PATHS.message(room, seq));
  return html`<li class="result" value="${seq}" data-seq="${seq}" data-member-id="${member.id}" data-color="${member.color}"><a class="result-link" href="${href}">${timeStamp(layout, event.at)}</a> ${nicknameOf(member)}${tagMark(member)} ${member.trip !== undefined && tripOf(member)} <span dir="auto" class="text">${markedText(event.text ?? "", words)}</span></li>
`;
}

function dateForm(layout: PageLayout, slug: string): Html {
  const { search } = wordsOf(layout.language);
  return html`<form id="go-to" class="search-form" method="get" action="${link(layout.basePath + PATHS.room(slug))}">
<label for="go-to-date">${search.date}</label>
<input id="go-to-date" name="at" type="date" size="12" placeholder="2026-11-30" required>
<button class="button quiet" type="submit">${search.go}</button>
<p class="hint" data-zone="1">${fill(search.zone, { zone: layout.timeZone })}</p>
</form>`;
}

function downloadForm(layout: PageLayout, slug: string): Html {
  const { search } = wordsOf(layout.language);
  return html`<form id="download" class="search-form" method="get" action="${link(layout.basePath + PATHS.logText(slug))}">
<label for="download-from">${search.from}</label>
<input id="download-from" name="from" type="date" size="12" placeholder="2026-11-01">
<label for="download-to">${search.to}</label>
<input id="download-to" name="to" type="date" size="12" placeholder="2026-11-30">
<button class="button quiet" type="submit">${search.download}</button>
<p class="hint">${search.downloadHint}</p>
</form>`;
}
