import { PATHS } from "../../protocol/paths.ts";
import { enterFields } from "./enter-fields.ts";
import { type Html, html, link } from "./html.ts";
import { fill, refusalText, wordsOf } from "./language.ts";
import { formToken, homeLink, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";
import { makeRoomForm, type NewRoomView } from "./make-room.ts";
import { type FormView, messageForm } from "./room.ts";

/**
 * Renders the page for a request that was refused: the reason in a sentence and a link back. With
 * `refreshSeconds` the page tries again. `unsent` is the message that was refused, which can be
 * sent again. `missing` is a room that can be made under the address, `closed` one whose password
 * is asked for, and `left` one from which the reader was removed. `room` is one to which the page
 * leads.
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
    closed?: string | undefined;
    left?: string | undefined;
  },
): string {
  const words = wordsOf(layout.language);
  const heading = view.missing === undefined ? words.problemTitle : words.missingRoom.title;
  const body = html`<header class="bar">${homeLink(layout)}<nav class="bar-end">${languageSwitch(layout)}</nav></header>
<main class="refused" data-status="${view.status}" data-code="${view.code}">
<h1>${heading}</h1>
${view.missing ? missingRoom(layout, view.missing) : html`<p class="problem">${refusalText(words, { wording: view.wording ?? view.code, retrySeconds: view.retrySeconds })}</p>`}
${view.unsent && messageForm(layout, view.unsent)}${view.closed && passwordForm(layout, view.closed)}${view.left && enterAgain(layout, view.left)}
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

/** Renders the form by which a person who was removed from a room enters it again. */
function enterAgain(layout: PageLayout, slug: string): Html {
  const words = wordsOf(layout.language);
  return html`<form id="enter-again" class="change-form" method="post" action="${link(layout.basePath + PATHS.lobby)}">
${formToken(layout)}${enterFields(layout, {})}
<p class="change-buttons"><button class="button" type="submit" name="room" value="${slug}">${words.enter}</button></p>
</form>`;
}

/** Renders the form that opens a room with a password, in every browser. */
function passwordForm(layout: PageLayout, slug: string): Html {
  const { password } = wordsOf(layout.language).moderation;
  return html`<form id="password-form" class="change-form" method="post" action="${link(layout.basePath + PATHS.room(slug))}">
${formToken(layout)}<div class="field">
<label for="password">${password.label}</label>
<input id="password" name="password" type="password" required autofocus autocomplete="off">
</div>
<p class="change-buttons"><button class="button" type="submit">${password.enter}</button></p>
</form>`;
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
