import { PATHS } from "../../protocol/paths.ts";
import { type Html, html, link } from "./html.ts";
import { wordsOf } from "./language.ts";
import { homeLink, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";
import { type LogView, logLines } from "./log-lines.ts";

/** A page of older messages. */
export type PastView = { room: { slug: string; title: string }; page: LogView; hasOlder: boolean };

/** Renders a page of older messages, for browsers without script. */
export function renderPast(layout: PageLayout, { room, page, hasOlder }: PastView): string {
  const words = wordsOf(layout.language);
  const body = html`<main id="past" class="room">
<header class="bar">
${homeLink(layout)}
<h1 class="bar-title" dir="auto">${room.title}</h1>
<nav class="bar-end">${languageSwitch(layout)}</nav>
</header>
<div class="room-body">
<nav class="foot past-links connection">
${hasOlder && olderLink(layout, room.slug, page.events[0]?.seq)} <a href="${link(layout.basePath + PATHS.room(room.slug))}">${words.newer}</a>
</nav>
<section class="log-scroll" tabindex="0" aria-label="${words.log}">
<ol id="log" class="log">
${logLines(layout, { ...page, isPlain: true })}</ol>
</section>
</div>
</main>`;
  return renderDocument(layout, {
    name: "room-page live-page",
    title: room.title,
    isPlain: true,
    body,
  });
}

/** Renders a link to the messages before a seq, also from within a frame. */
export function olderLink(layout: PageLayout, slug: string, before: number | undefined): Html {
  const href = link(`${layout.basePath}${PATHS.room(slug)}?before=${before}`);
  return html`<a href="${href}" target="_top" rel="nofollow">${wordsOf(layout.language).older}</a>`;
}
