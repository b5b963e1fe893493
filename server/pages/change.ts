import type { RoomMessage } from "../../protocol/event.ts";
import { TEXT_LENGTH } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { problemLine } from "./enter-fields.ts";
import { html, link } from "./html.ts";
import { type Problem, wordsOf } from "./language.ts";
import { formToken, homeLink, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";

/** A page that changes a message. `text` is what its form contained when it was refused. */
export type ChangeView = {
  room: { slug: string; title: string };
  message: RoomMessage;
  text?: string | undefined;
  problem?: Problem;
};

/** Renders the page with which an author edits or erases a message, without script. */
export function renderChange(layout: PageLayout, { room, message, text, problem }: ChangeView): string {
  const words = wordsOf(layout.language);
  const { change, script } = words;
  const action = link(layout.basePath + PATHS.changePage(room.slug, message.seq));
  const back = link(layout.basePath + PATHS.message(room.slug, message.seq));
  const body = html`<header class="bar">
${homeLink(layout)}
<h1 class="bar-title" dir="auto"><a href="${link(layout.basePath + PATHS.room(room.slug))}">${room.title}</a></h1>
<nav class="bar-end">${languageSwitch(layout)}</nav>
</header>
<main class="refused">
<h2>${change.title}</h2>
<form id="edit" class="change-form" method="post" action="${action}">
${formToken(layout)}
${problemLine(layout, problem)}
<label class="unseen" for="text">${words.text}</label>
<textarea id="text" name="text" class="say-text" dir="auto" rows="4" required autofocus data-length="${TEXT_LENGTH}">
${text ?? message.text}</textarea>
<p class="change-buttons"><button class="button" type="submit">${change.save}</button> <a class="button quiet" href="${back}">${script.cancel}</a></p>
</form>
<form id="erase" class="change-form" method="post" action="${action}">
${formToken(layout)}
<p class="hint" id="erase-hint">${change.eraseHint}</p>
<p class="change-buttons"><button class="button quiet" type="submit" name="erase" value="1" aria-describedby="erase-hint">${script.erase}</button></p>
</form>
</main>`;
  return renderDocument(layout, { name: "refused-page", title: change.title, isPlain: true, body });
}
