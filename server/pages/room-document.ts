import { PATHS } from "../../protocol/paths.ts";
import { type Html, html, link } from "./html.ts";
import { homeLink, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";

/** A page about a room that is not the room itself. Without a script unless `hasScript` is true. */
export type RoomDocument = {
  room: { slug: string; title: string };
  title: string;
  body: Html;
  hasScript?: boolean;
  /** The id of its main part. */
  id: string;
};

/** Renders a page about a room, whose title leads back to it. */
export function renderRoomDocument(layout: PageLayout, { room, title, body, hasScript, id }: RoomDocument): string {
  const here = link(layout.basePath + PATHS.room(room.slug));
  const content = html`<header class="bar">
${homeLink(layout)}
<h1 class="bar-title" dir="auto"><a href="${here}">${room.title}</a></h1>
<nav class="bar-end">${languageSwitch(layout)}</nav>
</header>
<main id="${id}" class="tool">
<h2>${title}</h2>
${body}
</main>`;
  return renderDocument(layout, {
    name: "tool-page",
    title: `${title} — ${room.title}`,
    isPlain: hasScript !== true,
    usesTools: true,
    body: content,
  });
}

/** Renders the link back to a room. */
export function roomLink(layout: PageLayout, slug: string, label: string): Html {
  return html`<p><a class="button quiet to-room" href="${link(layout.basePath + PATHS.room(slug))}">${label}</a></p>`;
}
