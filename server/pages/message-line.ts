import type { RoomEvent } from "../../protocol/event.ts";
import { sealOf } from "../../protocol/graphemes.ts";
import { SAME_SPEAKER_MS } from "../../protocol/line.ts";
import { mentions } from "../../protocol/mention.ts";
import { tallClass } from "../../protocol/tall.ts";
import { type Html, html } from "./html.ts";
import { wordsOf } from "./language.ts";
import type { PageLayout } from "./layout.ts";
import { linkedText } from "./links.ts";
import { memberSkeleton, nicknameOf, tagMark, tripOf } from "./people.ts";
import { timeStamp } from "./time-stamp.ts";
import type { PageWords } from "./words/ja.ts";

/**
 * Renders an event as a line of the log. If `previous`, the line above, is by the same person, the
 * nickname is visually hidden.
 */
export function messageLine(layout: PageLayout, event: RoomEvent, previous?: RoomEvent): Html {
  const words = wordsOf(layout.language);
  const { member } = event;
  const follows = previous !== undefined && continues(previous, event);
  const tall = event.kind === "message" ? tallClass(event.text ?? "") : "";
  const own = event.kind === "message" && member.id === layout.member?.id ? "own" : "";
  const kind = [event.kind, own, follows ? "follows" : "", tall, isMention(layout, event) ? "mention" : ""]
    .filter((name) => name !== "")
    .join(" ");
  return html`<li class="line ${kind}" value="${event.seq}" data-seq="${event.seq}" data-at="${event.at}" data-member-id="${member.id}" data-color="${member.color}" data-seal="${sealOf(member.nickname)}"${event.id !== undefined && html` data-client-id="${event.id}"`}>${nicknameOf(member)}${tagMark(member)} ${member.trip !== undefined && html`${tripOf(member)} `}${timeStamp(layout, event.at)} ${tall !== "" && unfold(words)}<span dir="auto" class="text">${lineText(words, event)}</span></li>
`;
}

/** Whether an event mentions the reader. */
function isMention({ member: reader }: PageLayout, { kind, member, text }: RoomEvent): boolean {
  if (kind !== "message" || reader === undefined || reader.id === member.id) return false;
  return mentions(text ?? "", reader.nickname);
}

/**
 * Renders what opens a tall message. It is before the text, so that a style sheet alone can open
 * it.
 */
function unfold({ script }: PageWords): Html {
  return html`<details class="unfold"><summary class="button quiet small" data-open="${script.showLess}"><span>${script.showAll}</span></summary></details> `;
}

/** Renders an empty line for the script to fill in, so that the markup of a line has one source. */
export function lineSkeleton(): Html {
  return html`<template id="line"><li class="line">${memberSkeleton()} <time></time> <span dir="auto" class="text"></span></li></template>`;
}

function continues(previous: RoomEvent, event: RoomEvent): boolean {
  if (previous.kind !== "message" || event.kind !== "message" || previous.member.id !== event.member.id) return false;
  return Date.parse(event.at) - Date.parse(previous.at) < SAME_SPEAKER_MS;
}

function lineText(words: PageWords, event: RoomEvent): Html | Html[] | string {
  if (event.kind === "enter") return words.script.entered;
  if (event.kind === "leave") return words.script.left;
  return linkedText(event.text ?? "");
}
