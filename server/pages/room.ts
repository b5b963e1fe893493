import type { RoomEvent } from "../../protocol/event.ts";
import { TEXT_LENGTH } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { enterFields, problemLine } from "./enter-fields.ts";
import { type Html, html, link } from "./html.ts";
import { type Problem, scriptRefusals, wordsOf } from "./language.ts";
import { formToken, homeLink, languageSwitch, type PageFrame, renderDocument } from "./layout.ts";
import { lineSkeleton, messageLine } from "./message-line.ts";
import { type PeopleView, people } from "./people.ts";
import type { Words } from "./words/ja.ts";

/** A room's page. `present`: the reader has entered it; `clientId` makes a form that is sent twice one message. */
export type RoomView = PeopleView & {
  room: { slug: string; title: string };
  events: RoomEvent[];
  cursor: string;
  hasOlder: boolean;
  present: boolean;
  clientId: string;
  text?: string;
  nickname?: string;
  problem?: Problem;
  back?: Back;
};

/** Where a form leads when it came from a live page: how often that was renewed, and behind which cursor. */
export type Back = { refresh: number; after?: string | undefined };

/** What the forms of a room need. */
export type FormView = Pick<RoomView, "room" | "clientId" | "text" | "nickname" | "problem" | "back">;

/** The chat itself, complete without script; what the script needs stands in the `data-` attributes of `#room`. */
export function renderRoom(frame: PageFrame, view: RoomView): string {
  const words = wordsOf(frame.language);
  const body = html`<main id="room" class="room" ${scriptState(frame, view)}>
${roomBar(frame, view)}
<div class="room-body">
${people(words, view)}
<section id="scroll" class="log-scroll" tabindex="0" aria-label="${words.log}">
<button id="older" class="button quiet" type="button" hidden>${words.older}</button>
<ol id="log" class="log">
${view.events.map((event, index) => messageLine(words, event, view.events[index - 1]))}</ol>
</section>
<noscript><iframe class="live-frame" src="${link(`${frame.basePath}${PATHS.live(view.room.slug)};only=log`)}" title="${words.log}"></iframe></noscript>
<div class="foot">
<button id="newer" class="button newer" type="button" hidden>${words.newer}</button>
<p id="typing" class="typing"></p>
${view.present ? messageForm(frame, view) : enterForm(frame, view)}
</div>
</div>
${lineSkeleton()}
<div id="spoken" class="unseen" aria-live="polite"></div>
</main>`;
  return renderDocument(frame, { name: "room-page", title: `${view.room.title} — chattera`, body });
}

function scriptState(frame: PageFrame, view: RoomView): Html {
  const words = wordsOf(frame.language);
  return html`data-room="${view.room.slug}" data-base="${link(frame.basePath)}" data-network="${frame.network}" data-cursor="${view.cursor}" data-member-id="${frame.member?.id}" data-nickname="${frame.member?.nickname}" data-color="${frame.member?.color}" data-trip="${frame.member?.trip}" data-present="${view.present}" data-older="${view.hasOlder}" data-words="${JSON.stringify({ ...words.script, refusals: scriptRefusals(words) })}"`;
}

function roomBar(frame: PageFrame, view: RoomView): Html {
  const words = wordsOf(frame.language);
  const live = link(frame.basePath + PATHS.live(view.room.slug));
  return html`<header class="bar">
${homeLink(frame)}
<h1 class="bar-title">${view.room.title}</h1>
<p id="connection" class="connection" role="status" data-state="catching-up" data-transport="page"><noscript><a href="${live}">${words.live.follow}</a></noscript></p>
<nav class="bar-end">${view.present && leaveForm(frame, view)}${languageSwitch(frame)}</nav>
</header>`;
}

/** Leaves the room. */
export function leaveForm(frame: PageFrame, view: Pick<RoomView, "room">): Html {
  const action = link(frame.basePath + PATHS.room(view.room.slug));
  return html`<form class="leave" method="post" action="${action}">${formToken(frame)}<button class="button quiet" type="submit" name="leave" value="1">${wordsOf(frame.language).leave}</button></form>`;
}

/**
 * A member's forms, for the script: on a network that loses cookies it alone knows who has entered. As a text, for an
 * old browser shows what stands in a template.
 */
function memberForms(frame: PageFrame, { problem: _notTheirs, ...view }: FormView): string {
  return html`${leaveForm(frame, view)}${messageForm(frame, view)}`.toString();
}

/** Says something. */
export function messageForm(frame: PageFrame, view: FormView): Html {
  const words = wordsOf(frame.language);
  return html`<form id="say" class="say" method="post" action="${link(frame.basePath + PATHS.room(view.room.slug))}">
${formToken(frame)}<input type="hidden" name="id" value="${view.clientId}">${backFields(view.back)}
${problemLine(frame, view.problem)}
<label class="unseen" for="text">${words.text}</label>
${view.back === undefined ? textArea(words, view.text) : textLine(words, view.text)}
<button class="button say-button" type="submit">${words.send}</button>
</form>`;
}

function textArea(words: Words, text: string | undefined): Html {
  return html`<textarea id="text" name="text" class="say-text" rows="1" required placeholder="${words.textHint}" autocomplete="off" enterkeyhint="send" data-length="${TEXT_LENGTH}">
${text}</textarea>`;
}

/** Without script, Enter sends a line and not an area; and w3m would start an editor for an area. */
function textLine(words: Words, text: string | undefined): Html {
  return html`<input id="text" name="text" class="say-text" size="40" value="${text}" required placeholder="${words.textHint}" autocomplete="off" enterkeyhint="send">`;
}

/** Enters the room under a nickname. */
export function enterForm(frame: PageFrame, view: FormView): Html {
  const words = wordsOf(frame.language);
  return html`<form id="enter" class="enter" method="post" action="${link(frame.basePath + PATHS.room(view.room.slug))}" data-entered="${memberForms(frame, view)}">
<p class="reading">${words.reading}</p>
${formToken(frame)}${backFields(view.back)}
${enterFields(frame, view)}${unsent(words, view.text)}
<button class="button" type="submit">${words.enter}</button>
</form>`;
}

/** What somebody wanted to say who has to enter first: for the eye, and to be copied. */
function unsent(words: Words, text: string | undefined): Html | undefined {
  if (text === undefined) return undefined;
  return html`
<label class="unseen" for="unsent">${words.text}</label>
<textarea id="unsent" class="say-text" rows="3" readonly>
${text}</textarea>`;
}

function backFields(back: Back | undefined): Html | undefined {
  if (back === undefined) return undefined;
  const after = back.after !== undefined && html`<input type="hidden" name="after" value="${back.after}">`;
  return html`<input type="hidden" name="back" value="live"><input type="hidden" name="refresh" value="${back.refresh}">${after}`;
}
