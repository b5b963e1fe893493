import type { RoomEvent, RoomMessage, RoomRename, RoomWhisper } from "../../protocol/event.ts";
import { excerptOf, sealOf } from "../../protocol/graphemes.ts";
import { roomOfLog } from "../../protocol/inbox.ts";
import { isErased, SAME_SPEAKER_MS } from "../../protocol/line.ts";
import { mentions } from "../../protocol/mention.ts";
import { PATHS } from "../../protocol/paths.ts";
import { tallClass } from "../../protocol/tall.ts";
import { messageActsPath, whisperActsPath } from "../../protocol/tool-paths.ts";
import { type Html, html, link } from "./html.ts";
import { fill, wordsOf } from "./language.ts";
import type { PageLayout } from "./layout.ts";
import { linkedText } from "./links.ts";
import { memberSkeleton, nicknameOf, tagMark, tripOf } from "./people.ts";
import { now, timeStamp } from "./time-stamp.ts";
import { whisperMark } from "./whispers.ts";
import type { PageWords } from "./words/ja.ts";

/**
 * The neighbors that a line may refer to: the line above it, and the event of the page with a seq,
 * if it is there. The line that `isCurrent` gets the focus, so it is in sight also without script.
 * On a page that `isPlain`, without script, links stand for the menu of the line.
 */
export type LineContext = {
  previous?: RoomEvent | undefined;
  find?: ((seq: number) => RoomEvent | undefined) | undefined;
  isCurrent?: boolean;
  isPlain?: boolean | undefined;
};

/**
 * Renders an event as a line of the log, whose time is the link to it. If the line above is by the
 * same person, the nickname is visually hidden.
 */
export function messageLine(layout: PageLayout, event: RoomEvent, context: LineContext = {}): Html {
  const { previous, find, isCurrent } = context;
  const words = wordsOf(layout.language);
  const { member } = event;
  const follows = previous !== undefined && continues(previous, event);
  const message = event.kind === "message" ? event : undefined;
  const tall = tallClass(message?.text ?? "");
  const own = message && member.id === layout.member?.id && "own";
  const state = isErased(event) ? "erased" : message?.edited && "edited";
  const marks = [own, state, follows && "follows", tall, isMention(layout, event) && "mention", isCurrent && "current"];
  const kind = [event.kind, ...marks].filter(Boolean).join(" ");
  const quote = message?.reply !== undefined && quoteOf(layout, message, find?.(message.reply));
  if (event.kind === "whisper") return whisperLine(layout, event, context.isPlain);
  return html`<li class="line ${kind}" value="${event.seq}" data-seq="${event.seq}" data-at="${event.at}" data-member-id="${member.id}" data-color="${member.color}" data-seal="${sealOf(member.nickname)}"${event.id !== undefined && html` data-client-id="${event.id}"`}${isCurrent && CURRENT}>${nicknameOf(member)}${tagMark(member)} ${member.trip !== undefined && html`${tripOf(member)} `}${timeLink(layout, event)} ${quote}${tall !== "" && unfold(words)}<span dir="auto" class="text">${lineText(words, event)}</span>${message?.edited && html` <span class="edited-mark">${words.script.edited}</span>`}${actsOf(layout, event, context)}</li>
`;
}

/**
 * Renders a whisper. Its seq counts in the reader's inbox, so it has no link, and text browsers
 * show no number of the room's log.
 */
function whisperLine(layout: PageLayout, event: RoomWhisper, isPlain: boolean | undefined): Html {
  const { member, to, text = "", seq, at, id } = event;
  const tall = tallClass(text);
  const state = isErased(event) && "erased";
  const marks = [member.id === layout.member?.id && "own", state, tall].filter(Boolean).join(" ");
  return html`<li class="line whisper ${marks}" value="0" data-whisper="${seq}" data-at="${at}" data-member-id="${member.id}" data-color="${member.color}" data-seal="${sealOf(member.nickname)}"${id !== undefined && html` data-client-id="${id}"`}>${nicknameOf(member)}${tagMark(member)} ${member.trip !== undefined && html`${tripOf(member)} `}<a class="at">${timeStamp(layout, at)}</a> ${whisperMark(layout, to)}${tall !== "" && unfold(wordsOf(layout.language))}<span dir="auto" class="text">${lineText(wordsOf(layout.language), event)}</span>${layout.canOpen && !event.erased && member.id !== layout.member?.id && whisperReport(layout, event, isPlain)}</li>
`;
}

/** Renders the link to the page on which a whisper is reported, for browsers without script. */
function whisperReport(layout: PageLayout, { room, member, seq }: RoomWhisper, isPlain: boolean | undefined): Html {
  const { moderation } = wordsOf(layout.language);
  const href = link(layout.basePath + whisperActsPath(roomOfLog(room), member.id, String(seq)));
  const report = html` <a class="act" href="${href}" target="_top" rel="nofollow">${moderation.acts.link}</a>`;
  return isPlain ? report : html`<noscript>${report}</noscript>`;
}

const CURRENT = html` aria-current="true" tabindex="-1" autofocus`;

/** Renders the time of an event as the link to it, also from within a frame. */
function timeLink(layout: PageLayout, { room, seq, at }: RoomEvent): Html {
  const href = link(layout.basePath + PATHS.message(room, seq));
  return html`<a class="at" href="${href}" target="_top" rel="nofollow">${timeStamp(layout, at)}</a>`;
}

/** Whether an event mentions the reader. */
function isMention({ member: reader }: PageLayout, { kind, member, text }: RoomEvent): boolean {
  if (kind !== "message" || reader === undefined || reader.id === member.id) return false;
  return mentions(text ?? "", reader.nickname);
}

/** Renders a link to the message that a message replies to, with its words if the page has them. */
function quoteOf(layout: PageLayout, { room, reply }: RoomMessage, quoted: RoomEvent | undefined): Html {
  const words = wordsOf(layout.language);
  const href = link(`${layout.basePath}${PATHS.room(room)}/${reply}`);
  const text = quoted && (isErased(quoted) ? words.script.erased : excerptOf(quoted.text ?? ""));
  const content =
    quoted === undefined
      ? fill(words.script.quoted, { seq: String(reply) })
      : html`<bdi class="quote-name" translate="no">${quoted.member.nickname}</bdi> <span dir="auto" class="quote-text">${text}</span>`;
  return html`<a class="quote" href="${href}" data-reply="${reply}" target="_top">${content}</a> `;
}

/** Renders the links that reply to an event, and that change it if it is the reader's own. */
function actsOf(layout: PageLayout, event: RoomEvent, { isPlain, isCurrent }: LineContext): Html | undefined {
  if ((event.kind !== "message" && event.kind !== "notice") || event.text === undefined) return undefined;
  const words = wordsOf(layout.language);
  const { change, script } = words;
  const { room, seq } = event;
  const acts = link(`${layout.basePath}${messageActsPath(room, seq)}`);
  // Text browsers show all links, so there it is on the page of the message only. An owner has no
  // other link to a notice of their own.
  const isShown = layout.canOpen || isCurrent;
  const report =
    isShown &&
    (event.kind === "notice" || event.member.id !== layout.member?.id) &&
    html` <a class="act" href="${acts}" target="_top" rel="nofollow">${words.moderation.acts.link}</a>`;
  const reply = link(`${layout.basePath}${PATHS.room(room)}?reply=${seq}#say`);
  const own = link(layout.basePath + PATHS.changePage(room, seq));
  const links = html`${layout.member && html` <a class="act" href="${reply}" target="_top" rel="nofollow">${script.reply}</a>`}${mayChange(layout, event) && html` <a class="act" href="${own}" target="_top" rel="nofollow">${change.link}</a>`}${report}`;
  return isPlain ? links : html`<noscript>${links}</noscript>`;
}

/** Returns whether an event is a message of the reader that can still be changed. */
export function mayChange({ member, editMinutes }: PageLayout, event: RoomEvent): boolean {
  if (event.kind !== "message" || event.member.id !== member?.id) return false;
  return Date.parse(now()) - Date.parse(event.at) < editMinutes * 60_000;
}

/**
 * Renders what opens a tall message. It is before the text, so that a style sheet alone can open
 * it.
 */
function unfold({ script }: PageWords): Html {
  return html`<details class="unfold"><summary class="button quiet small" data-open="${script.showLess}"><span>${script.showAll}</span></summary></details> `;
}

/** Renders an empty line for the script to fill in, so that the markup of a line has one source. */
export function lineSkeleton(layout: PageLayout, slug: string): Html {
  return html`<template id="line" data-to="${link(layout.basePath + PATHS.room(slug))}"><li class="line">${memberSkeleton()} <a class="at" tabindex="-1"><time></time></a> <span dir="auto" class="text"></span></li></template>`;
}

function continues(previous: RoomEvent, event: RoomEvent): boolean {
  if (previous.kind !== "message" || event.kind !== "message" || previous.member.id !== event.member.id) return false;
  return Date.parse(event.at) - Date.parse(previous.at) < SAME_SPEAKER_MS;
}

/** Renders what happened, or the text of a message with its links. */
export function lineText(words: PageWords, event: RoomEvent): Html | Html[] | string {
  if (event.kind === "enter") return words.script.entered;
  if (event.kind === "leave") return words.script.left;
  if (event.kind === "rename") return renamed(words, event);
  if (isErased(event)) return words.script.erased;
  return linkedText(event.text ?? "");
}

/** Renders what a member has changed about itself. A former name has a direction of its own. */
function renamed({ script }: PageWords, { member, former }: RoomRename): Html | string {
  if (former.nickname === member.nickname && former.trip === member.trip) return script.recolored;
  const [before, after] = script.renamed.split("{former}");
  return html`${before}<bdi class="former" translate="no">${former.nickname}</bdi>${after}`;
}
