import type { Member, RoomEvent } from "../../protocol/event.ts";
import { ADDRESS, linkText, sealOf } from "../../protocol/line.ts";
import { showLocalTime } from "./local-time.ts";
import { part } from "./page.ts";
import type { Words } from "./words.ts";

/** An event as a line of the log: the page's own skeleton, filled with text nodes only. */
export function lineOfEvent(event: RoomEvent, words: Words): HTMLElement {
  const line = lineOf(event.member, textOf(event, words));
  line.classList.add(event.kind);
  settle(line, event);
  return line;
}

/** A line for what a member says just now. */
export function lineOf(member: Member, text: string): HTMLElement {
  const line = part<HTMLTemplateElement>("line").content.firstElementChild?.cloneNode(true) as HTMLElement;
  describeMember(line, member);
  inside(line, "text").append(...linkedText(text));
  return line;
}

/** Gives a line its place in the log: what the server says about the event. */
export function settle(line: HTMLElement, event: RoomEvent): void {
  line.dataset.seq = String(event.seq);
  line.dataset.at = event.at;
  if (event.id !== undefined) line.dataset.clientId = event.id;
  describeMember(line, event.member);
  showLocalTime(line.querySelector("time") as HTMLTimeElement, event.at);
}

/** Puts a member's name, mark, color and seal on a line of the log or of the list of people. */
export function describeMember(element: HTMLElement, member: Member): void {
  element.dataset.memberId = member.id;
  element.dataset.color = member.color;
  element.dataset.seal = sealOf(member.nickname);
  inside(element, "nickname").textContent = member.nickname;
  const tag = inside(element, "tag");
  tag.textContent = member.tag === undefined ? "" : `·${member.tag}`;
  tag.hidden = member.tag === undefined;
  const trip = inside(element, "trip");
  trip.textContent = member.trip ?? "";
  trip.hidden = member.trip === undefined;
}

/** The part of a line that has a class. */
export function inside(line: HTMLElement, name: string): HTMLElement {
  return line.querySelector(`.${name}`) as HTMLElement;
}

function textOf(event: RoomEvent, words: Words): string {
  if (event.kind === "enter") return words.entered;
  if (event.kind === "leave") return words.left;
  return event.text ?? "";
}

function linkedText(text: string): Node[] {
  return text.split(ADDRESS).map((piece, index) => {
    const shown = index % 2 === 1 && linkText(piece);
    if (!shown) return document.createTextNode(piece);
    const link = document.createElement("a");
    link.href = piece;
    link.rel = "nofollow noopener noreferrer ugc";
    link.target = "_blank";
    link.textContent = shown;
    return link;
  });
}
