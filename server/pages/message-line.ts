import type { RoomEvent } from "../../protocol/event.ts";
import { BREATH_MS, sealOf } from "../../protocol/line.ts";
import { type Html, html } from "./html.ts";
import { linkedText } from "./links.ts";
import { tagMark } from "./people.ts";
import { timeStamp } from "./time-stamp.ts";
import type { Words } from "./words/ja.ts";

/** An event as a line of the log. `previous` is the line above: a speaker who goes on is not named again to the eye. */
export function messageLine(words: Words, event: RoomEvent, previous?: RoomEvent): Html {
  const { member } = event;
  const follows = previous !== undefined && continues(previous, event);
  const kind = follows ? `${event.kind} follows` : event.kind;
  return html`<li class="line ${kind}" value="${event.seq}" data-seq="${event.seq}" data-at="${event.at}" data-member-id="${member.id}" data-color="${member.color}" data-seal="${sealOf(member.nickname)}"${event.id !== undefined && html` data-client-id="${event.id}"`}><span class="nickname">${member.nickname}</span>${tagMark(member)} ${member.trip !== undefined && html`<span class="trip">${member.trip}</span> `}${timeStamp(event.at)} <span class="text">${lineText(words, event)}</span></li>
`;
}

/** The same line without an event in it, which the script fills in: the markup of a line has one source. */
export function lineSkeleton(): Html {
  return html`<template id="line"><li class="line"><span class="nickname"></span><span class="tag"></span> <span class="trip"></span> <time></time> <span class="text"></span></li></template>`;
}

function continues(previous: RoomEvent, event: RoomEvent): boolean {
  if (previous.kind !== "message" || event.kind !== "message" || previous.member.id !== event.member.id) return false;
  return Date.parse(event.at) - Date.parse(previous.at) < BREATH_MS;
}

function lineText(words: Words, event: RoomEvent): Html | Html[] | string {
  if (event.kind === "enter") return words.script.entered;
  if (event.kind === "leave") return words.script.left;
  return linkedText(event.text ?? "");
}
