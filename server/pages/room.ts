import type { Member, RoomEvent } from "../../protocol/event.ts";
import { TEXT_LENGTH } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { enterFields, problemLine } from "./enter-fields.ts";
import { type Html, html, link } from "./html.ts";
import { wordsOf } from "./language.ts";
import { formToken, homeLink, languageSwitch, type PageFrame, renderDocument } from "./layout.ts";
import { lineSkeleton, messageLine } from "./message-line.ts";
import { people } from "./people.ts";

/** A room's page. `present`: the reader has entered it; `clientId` makes a form that is sent twice one remark. */
export type RoomView = {
  room: { slug: string; title: string };
  events: RoomEvent[];
  members: Member[];
  visitors: number;
  cursor: string;
  hasOlder: boolean;
  present: boolean;
  clientId: string;
  text?: string;
  nickname?: string;
  problem?: string;
};

/** The chat itself, complete without script; what the script needs stands in the `data-` attributes of `#room`. */
export function renderRoom(frame: PageFrame, view: RoomView): string {
  const words = wordsOf(frame.language);
  const body = html`<main id="room" class="room" ${scriptState(frame, view)}>
${roomBar(frame, view)}
<div class="room-body">
${people(words, view.members, view.visitors)}
<section id="scroll" class="log-scroll" tabindex="0" aria-label="${words.log}">
<button id="older" class="button quiet" type="button" hidden>${words.older}</button>
<ol id="log" class="log">
${view.events.map((event, index) => messageLine(words, event, view.events[index - 1]))}</ol>
</section>
<div class="foot">
<button id="newer" class="button newer" type="button" hidden>${words.newer}</button>
<p id="typing" class="typing"></p>
${view.present ? sayForm(frame, view) : enterForm(frame, view)}
</div>
</div>
${lineSkeleton()}
<div id="spoken" class="unseen" aria-live="polite"></div>
</main>`;
  return renderDocument(frame, { name: "room-page", title: `${view.room.title} — chattera`, body });
}

function scriptState(frame: PageFrame, view: RoomView): Html {
  const words = wordsOf(frame.language);
  return html`data-room="${view.room.slug}" data-base="${link(frame.basePath)}" data-cursor="${view.cursor}" data-member-id="${frame.member?.id}" data-nickname="${frame.member?.nickname}" data-color="${frame.member?.color}" data-trip="${frame.member?.trip}" data-present="${view.present}" data-older="${view.hasOlder}" data-words="${JSON.stringify({ ...words.script, refusals: words.refusals })}"`;
}

function roomBar(frame: PageFrame, view: RoomView): Html {
  const words = wordsOf(frame.language);
  const action = link(frame.basePath + PATHS.room(view.room.slug));
  const leave = html`<form class="leave" method="post" action="${action}">${formToken(frame)}<button class="button quiet" name="leave" value="1">${words.leave}</button></form>`;
  return html`<header class="bar">
${homeLink(frame)}
<h1 class="bar-title">${view.room.title}</h1>
<p id="connection" class="connection" role="status" data-state="catching-up" data-transport="page"><noscript><a href="${action}">${words.reload}</a></noscript></p>
<nav class="bar-end">${view.present && leave}${languageSwitch(frame)}</nav>
</header>`;
}

function sayForm(frame: PageFrame, view: RoomView): Html {
  const words = wordsOf(frame.language);
  return html`<form id="say" class="say" method="post" action="${link(frame.basePath + PATHS.room(view.room.slug))}">
${formToken(frame)}<input type="hidden" name="id" value="${view.clientId}">
${problemLine(frame, view.problem)}
<label class="unseen" for="text">${words.text}</label>
<textarea id="text" name="text" class="say-text" rows="1" required placeholder="${words.textHint}" autocomplete="off" enterkeyhint="send" data-length="${TEXT_LENGTH}">
${view.text}</textarea>
<button class="button say-button">${words.say}</button>
</form>`;
}

function enterForm(frame: PageFrame, view: RoomView): Html {
  const words = wordsOf(frame.language);
  return html`<form id="enter" class="enter" method="post" action="${link(frame.basePath + PATHS.room(view.room.slug))}">
<p class="reading">${words.reading}</p>
${formToken(frame)}
${enterFields(frame, view)}
<button class="button">${words.enter}</button>
</form>`;
}
