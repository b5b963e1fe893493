import { PATHS } from "../../protocol/paths.ts";
import { type Html, html, link } from "./html.ts";
import { fill, refusalText, wordsOf } from "./language.ts";
import { homeLink, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";
import { makeRoomForm, type NewRoomView } from "./make-room.ts";
import { type FormView, messageForm } from "./room.ts";

/**
 * Renders the page for a request that was refused: the reason in a sentence and a link back. With
 * `refreshSeconds` the page tries again. `unsent` is the message that was refused, which can be
 * sent again. `missing` is a room that can be made under the address. `room` is one to which the
 * page leads.
 */
export function renderRefused(
  layout: PageLayout,
  view: {
    status: number;
    code: string;
    wording?: string;
    retrySeconds?: number | undefined;
    refreshSeconds?: number;
    room?: { slug: string; title: string } | undefined;
    unsent?: FormView;
    missing?: NewRoomView | undefined;
  },
): string {
  const words = wordsOf(layout.language);
  const heading = view.missing === undefined ? words.problemTitle : words.missingRoom.title;
  const body = html`<header class="bar">${homeLink(layout)}<nav class="bar-end">${languageSwitch(layout)}</nav></header>
<main class="refused" data-status="${view.status}" data-code="${view.code}">
<h1>${heading}</h1>
${view.missing ? missingRoom(layout, view.missing) : html`<p class="problem">${refusalText(words, { wording: view.wording ?? view.code, retrySeconds: view.retrySeconds })}</p>`}
${view.unsent && messageForm(layout, view.unsent)}
${view.room && roomLink(layout, view.room)}<p><a class="button${(view.missing ?? view.room) && " quiet"}" href="${link(layout.basePath + PATHS.lobby)}">${words.back}</a></p>
</main>`;
  const head = view.refreshSeconds && html`<meta http-equiv="refresh" content="${view.refreshSeconds}">`;
  return renderDocument(layout, {
    name: "refused-page",
    title: heading,
    head: head || undefined,
    body,
  });
}

function missingRoom(layout: PageLayout, room: NewRoomView): Html {
  return html`<p>${wordsOf(layout.language).missingRoom.lead}</p>
${makeRoomForm(layout, room)}`;
}

function roomLink(layout: PageLayout, { slug, title }: { slug: string; title: string }): Html {
  const text = fill(wordsOf(layout.language).backToRoom, { title });
  return html`<p><a class="button" href="${link(layout.basePath + PATHS.room(slug))}">${text}</a></p>
`;
}
