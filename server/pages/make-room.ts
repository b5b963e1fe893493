import { SLUG_LENGTH, TITLE_LENGTH } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { problemLine } from "./enter-fields.ts";
import { type Html, html, link } from "./html.ts";
import { type Problem, wordsOf } from "./language.ts";
import { formToken, type PageLayout } from "./layout.ts";

/** The content of the form of a new room, and why it was refused. */
export type NewRoomView = { title?: string; slug?: string; listed?: string; silent?: boolean; problem?: Problem };

/** How a room is found: in the lobby with its latest message or without, or by its link only. */
const FOUND = ["words", "1", "0"] as const;

/** Renders the form that makes a room. Its script proposes the address while a title is typed. */
export function makeRoomForm(layout: PageLayout, view: NewRoomView): Html {
  const words = wordsOf(layout.language).makeRoom;
  const found = FOUND.find((value) => value === view.listed) ?? "words";
  return html`<form id="make-room" class="make-room" method="post" action="${link(layout.basePath + PATHS.lobby)}">
${formToken(layout)}${problemLine(layout, view.problem)}
<div class="field">
<label for="room-title">${words.title}</label>
<input dir="auto" id="room-title" name="title" value="${view.title}" maxlength="${2 * TITLE_LENGTH}" required autocomplete="off" enterkeyhint="go">
</div>
<div class="field">
<label for="room-slug">${words.slug}</label>
<span class="address"><span aria-hidden="true">${link(`${layout.basePath}/rooms/`)}</span><input id="room-slug" name="slug" value="${view.slug}" maxlength="${SLUG_LENGTH}" autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="room-slug-hint"></span>
<p id="room-slug-hint" class="hint">${words.slugHint}</p>
</div>
<fieldset class="field choices">
<legend>${words.found}</legend>
${FOUND.map(
  (value) =>
    html`<label class="choice"><input type="radio" name="listed" value="${value}"${value === found && html` checked`}> <span>${words.foundBy[value]}</span></label>
`,
)}</fieldset>
<label class="choice"><input type="checkbox" name="silent" value="1"${view.silent && html` checked`}> <span>${words.silent}</span></label>
<button class="button" type="submit">${words.make}</button>
</form>`;
}
