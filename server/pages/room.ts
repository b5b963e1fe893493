import type { Member, RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { excerptOf } from "../../protocol/graphemes.ts";
import { TEXT_LENGTH } from "../../protocol/limits.ts";
import { isSaid } from "../../protocol/line.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { RoomSignal } from "../../protocol/room-settings.ts";
import { enterFields, problemLine } from "./enter-fields.ts";
import { type Html, html, link } from "./html.ts";
import { type Problem, scriptRefusals, wordsOf } from "./language.ts";
import { formToken, homeLink, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";
import { logLines, newestOnTop } from "./log-lines.ts";
import { lineSkeleton } from "./message-line.ts";
import { olderLink } from "./past.ts";
import { type PeopleView, people } from "./people.ts";
import { peopleLink } from "./people-page.ts";
import { renameLink } from "./rename.ts";
import { emptyRoom, type ModeratingRole, roomMenu } from "./room-menu.ts";
import { roomStateBox } from "./room-state.ts";
import { settingsPanel } from "./settings-panel.ts";
import { receiverChoice, withWhispers } from "./whispers.ts";
import type { PageWords } from "./words/ja.ts";

/**
 * A room's page. `present`: the reader has entered the room. `clientId` makes a form that is sent
 * twice one message.
 */
export type RoomView = PeopleView & {
  room: { slug: string; title: string; isPublic: boolean; allowsSilence: boolean };
  /** The state of the room, as everyone may know it. */
  now: RoomSignal;
  /** The role that lets the reader configure or moderate the room. */
  role?: ModeratingRole | undefined;
  /** The owner key of a room that the reader has just created. */
  ownerKey?: string | undefined;
  /** The other rooms that the reader is in. */
  ownRooms: { slug: string; title: string }[];
  events: RoomEvent[];
  /** The reader's whispers of the same time, and the last seq of its inbox. */
  whispers?: RoomEvent[];
  lastWhisper?: number;
  skipped?: SkippedRun[];
  current?: number;
  gapAfter?: number;
  cursor: string;
  hasOlder: boolean;
  present: boolean;
  clientId: string;
  text?: string;
  /** The receiver of a whisper. */
  to?: string;
  nickname?: string;
  problem?: Problem;
  back?: Back;
  reply?: ReplyView | undefined;
  /** Whether to show the help, which was asked for without script. */
  help?: boolean;
};

/** The live page that a form returns to: its seconds between refreshes and its cursor. */
export type Back = { refresh: number; after?: string | undefined };

/** The message that a form replies to: its number, and the message itself where it was read. */
export type ReplyView = { seq: number; quoted?: RoomEvent | undefined };

/** The part of a room's page that its forms need. */
export type FormView = Pick<RoomView, "clientId" | "text" | "to" | "nickname" | "problem" | "back" | "reply"> & {
  /** The people to whom a message can be whispered. */
  members?: Member[];
  room: { slug: string; title: string; allowsSilence?: boolean };
};

/**
 * Renders a room's page, which works without script. The script's data is in the `data-` attributes
 * of `#room`.
 */
export function renderRoom(layout: PageLayout, view: RoomView): string {
  const words = wordsOf(layout.language);
  const { isNewestOnTop } = layout.view;
  const [log, foot] = [logBox(layout, view), roomFoot(layout, view)];
  const body = html`<main id="room" class="room${isNewestOnTop && " newest-on-top"}" ${scriptState(layout, view)}>
${roomBar(layout, view)}
<div class="room-body">
${roomStateBox(layout, view.now, view.ownerKey)}
${people(words, view, {
  rename: { form: renameForm(layout), link: view.present && renameLink(layout, view.room.slug) },
  list: peopleLink(layout, view.room.slug),
})}
${isNewestOnTop ? [foot, log] : [log, foot]}
</div>
${lineSkeleton(layout, view.room.slug)}
<div id="announcer" class="unseen" aria-live="polite"></div>
</main>`;
  const card = { title: view.room.title, path: PATHS.room(view.room.slug) };
  return renderDocument(layout, { name: "room-page", title: view.room.title, card, body });
}

function logBox(layout: PageLayout, view: RoomView): Html {
  const words = wordsOf(layout.language);
  const { isNewestOnTop } = layout.view;
  const shown = { ...view, events: withWhispers(view.events, view.whispers) };
  const older = html`<button id="older" class="button quiet" type="button" hidden>${words.older}</button>
${view.hasOlder && html`<noscript>${olderLink(layout, view.room.slug, view.events[0]?.seq)}</noscript>`}`;
  const log = html`<ol id="log" class="log">
${isNewestOnTop ? newestOnTop(layout, shown) : logLines(layout, shown)}</ol>`;
  return html`<section id="scroll" class="log-scroll" tabindex="0" aria-label="${words.log}">
${isNewestOnTop ? [log, older] : [older, log]}${!shown.events.some(({ kind }) => isSaid(kind)) && emptyRoom(layout, view.room.slug)}
</section>
${view.current === undefined && liveLog(layout, view)}
`;
}

function roomFoot(layout: PageLayout, view: RoomView): Html {
  const words = wordsOf(layout.language);
  return html`<div class="foot">
<button id="newer" class="button newer" type="button" hidden>${words.newer}</button>
${view.current !== undefined && html`<noscript><p class="past-links"><a href="${link(layout.basePath + PATHS.room(view.room.slug))}">${words.newer}</a></p></noscript>`}
<p id="typing" class="typing"></p>
${help(words, view.help === true)}
${view.present ? messageForm(layout, view) : enterForm(layout, view)}
</div>
`;
}

/** Without script, a page at a message stays there, and others go on in a frame. */
function liveLog(layout: PageLayout, { room }: RoomView): Html {
  const src = link(`${layout.basePath}${PATHS.live(room.slug)};only=log`);
  return html`<noscript><iframe class="live-log" src="${src}" title="${wordsOf(layout.language).log}"></iframe></noscript>`;
}

function scriptState(layout: PageLayout, view: RoomView): Html {
  const words = wordsOf(layout.language);
  return html`data-room="${view.room.slug}" data-base="${link(layout.basePath)}" data-network="${layout.network}" data-cursor="${view.cursor}" data-last="${view.events.at(-1)?.seq}"${layout.member && html` data-last-whisper="${view.lastWhisper ?? 0}"`} data-member-id="${layout.member?.id}" data-nickname="${layout.member?.nickname}" data-color="${layout.member?.color}" data-trip="${layout.member?.trip}" data-present="${view.present}" data-edit-minutes="${layout.editMinutes}" data-moderates="${view.role !== undefined && "true"}" data-hushed="${view.room.allowsSilence && "true"}" data-older="${view.hasOlder}" data-lines="${layout.view.lines}" data-words="${JSON.stringify({ ...words.script, refusals: scriptRefusals(words) })}"`;
}

/** Renders the form for another nickname and color, for the script. */
function renameForm(layout: PageLayout): string {
  const { rename, script } = wordsOf(layout.language);
  return html`<form class="rename" id="rename" aria-label="${script.rename}">${enterFields(layout, {})}
${!layout.hasFixedName && html`<button class="button" type="submit">${rename}</button>`} <button class="button quiet" type="button">${script.cancel}</button></form>`.toString();
}

/** Renders the commands and keys of a room, which the script shows when it is asked for them. */
function help({ help: { title, close, terms } }: PageWords, isShown: boolean): Html {
  const hide = !isShown && html` hidden`;
  return html`<section id="help" class="help" tabindex="-1" aria-labelledby="help-title"${hide}>
${!isShown && html`<button class="button quiet small" type="button">${close}</button>`}
<h2 id="help-title">${title}</h2>
<dl>${terms.map(([term, about]) => html`<dt><kbd>${term}</kbd></dt><dd>${about}</dd>`)}</dl>
</section>`;
}

function roomBar(layout: PageLayout, view: RoomView): Html {
  const words = wordsOf(layout.language);
  const live = link(layout.basePath + PATHS.live(view.room.slug));
  return html`<header class="bar">
${homeLink(layout)}
${roomMenu(layout, view)}
<p id="connection" class="connection" role="status" data-state="catching-up" data-transport="page"><noscript><a href="${live}">${words.live.follow}</a></noscript></p>
<nav class="bar-end">${searchLink(layout, view.room.slug)}${view.present && leaveForm(layout, view)}${settingsPanel(layout)}${languageSwitch(layout)}</nav>
</header>`;
}

/** Renders the link to the search. */
export function searchLink(layout: PageLayout, slug: string): Html {
  const href = link(layout.basePath + PATHS.searchPage(slug));
  return html`<a class="search-link" href="${href}" rel="nofollow">${wordsOf(layout.language).search.title}</a>`;
}

/** Renders the form that leaves the room. */
export function leaveForm(layout: PageLayout, view: Pick<FormView, "room">): Html {
  const action = link(layout.basePath + PATHS.room(view.room.slug));
  return html`<form class="leave" method="post" action="${action}">${formToken(layout)}<button class="button quiet" type="submit" name="leave" value="1">${wordsOf(layout.language).leave}</button></form>`;
}

/**
 * The forms of a member, for the script: on a network that loses cookies only the script knows that
 * its reader has entered. They are an attribute, because an old browser shows the content of a
 * template.
 */
function memberForms(layout: PageLayout, { problem: _notTheirs, members: _forNoScript, ...view }: FormView): string {
  return html`${leaveForm(layout, view)}${messageForm(layout, view)}`.toString();
}

/** Renders the form that sends a message. */
export function messageForm(layout: PageLayout, view: FormView): Html {
  const words = wordsOf(layout.language);
  return html`<form id="say" class="say" method="post" action="${link(layout.basePath + PATHS.room(view.room.slug))}">
${formToken(layout)}<input type="hidden" name="id" value="${view.clientId}">${backFields(view.back)}
${problemLine(layout, view.problem)}${view.reply && replyLine(layout, view.room.slug, view.reply)}
<label class="unseen" for="text">${words.text}</label>
${view.back === undefined ? textArea(words, view) : textLine(words, view.text)}
<button class="button say-button" type="submit">${words.send}</button>
${receiverField(layout, view)}</form>`;
}

/** The script has the command and menus. Text browsers show a page that is plain. */
function receiverField(layout: PageLayout, { members = [], to, back }: FormView): Html | undefined {
  const choice = receiverChoice(layout, members, to);
  return back === undefined ? choice && html`<noscript>${choice}</noscript>` : choice;
}

/** Says whom the form answers. The script has a line of its own for that. */
function replyLine(layout: PageLayout, slug: string, { seq, quoted }: ReplyView): Html {
  const { script } = wordsOf(layout.language);
  const field = html`<input type="hidden" name="reply" value="${seq}">`;
  if (quoted === undefined) return field;
  const [before, after] = script.replyingTo.split("{nickname}");
  const cancel = link(`${layout.basePath}${PATHS.room(slug)}#say`);
  return html`
<noscript>${field}<p class="task"><span class="task-label">${before}<bdi translate="no">${quoted.member.nickname}</bdi>${after}</span> <span dir="auto" class="task-quote">${excerptOf(quoted.text ?? "")}</span> <a href="${cancel}">${script.cancel}</a></p></noscript>`;
}

function textArea(words: PageWords, { text, reply }: FormView): Html {
  const focus = reply?.quoted && html` autofocus`;
  return html`<textarea id="text" name="text" class="say-text" dir="auto" rows="1" required placeholder="${words.textHint}" autocomplete="off" enterkeyhint="send" data-length="${TEXT_LENGTH}"${focus}>
${text}</textarea>`;
}

/**
 * Without script, Enter sends an input but not a text area, and w3m would start an editor for a
 * text area.
 */
function textLine(words: PageWords, text: string | undefined): Html {
  return html`<input id="text" name="text" class="say-text" dir="auto" size="40" value="${text}" required placeholder="${words.textHint}" autocomplete="off" enterkeyhint="send">`;
}

/** Renders the form that enters the room under a nickname. */
export function enterForm(layout: PageLayout, view: FormView): Html {
  const words = wordsOf(layout.language);
  return html`<form id="enter" class="enter" method="post" action="${link(layout.basePath + PATHS.room(view.room.slug))}" data-entered="${memberForms(layout, view)}">
<p class="reading">${words.reading}</p>
${formToken(layout)}${backFields(view.back)}
${enterFields(layout, view)}${unsent(words, view.text)}
${view.room.allowsSilence && html`<label class="choice silent-entry"><input type="checkbox" name="silent" value="1"> <span>${words.silentEntry}</span></label>`}
<button class="button" type="submit">${words.enter}</button>
</form>`;
}

/** Shows the message of a person who has to enter first, so that they can copy it. */
function unsent(words: PageWords, text: string | undefined): Html | undefined {
  if (text === undefined) return undefined;
  return html`
<label class="unseen" for="unsent">${words.text}</label>
<textarea id="unsent" class="say-text" dir="auto" rows="3" readonly>
${text}</textarea>`;
}

function backFields(back: Back | undefined): Html | undefined {
  if (back === undefined) return undefined;
  const after = back.after !== undefined && html`<input type="hidden" name="after" value="${back.after}">`;
  return html`<input type="hidden" name="back" value="live"><input type="hidden" name="refresh" value="${back.refresh}">${after}`;
}
