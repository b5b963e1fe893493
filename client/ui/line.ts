import type { Member, RoomEvent } from "../../protocol/event.ts";
import { sealOf } from "../../protocol/graphemes.ts";
import { linkedPieces } from "../../protocol/links.ts";
import { tallClass } from "../../protocol/tall.ts";
import type { ScriptWords } from "../words.ts";
import { showLocalTime } from "./local-time.ts";
import { part } from "./part.ts";

/** Returns a line of the log for an event: the page's template, filled with text nodes only. */
export function lineOfEvent(event: RoomEvent, words: ScriptWords): HTMLElement {
  const { kind, member } = event;
  const line = kind === "message" ? lineOf(member, event.text || "", words) : emptyLine(member);
  if (kind !== "message") inside(line, "text").append(kind === "enter" ? words.entered : words.left);
  line.classList.add(kind);
  settleLine(line, event);
  return line;
}

/** Returns a line for a message of a member that is not in the log yet. */
export function lineOf(member: Member, message: string, words: ScriptWords): HTMLElement {
  const line = emptyLine(member);
  const text = inside(line, "text");
  const tall = tallClass(message);
  text.append(...linkedText(message));
  if (tall !== "") {
    line.classList.add(tall);
    text.before(unfold(words), " ");
  }
  return line;
}

function emptyLine(member: Member): HTMLElement {
  const line = part<HTMLTemplateElement>("line").content.firstElementChild?.cloneNode(true) as HTMLElement;
  describeMember(line, member);
  return line;
}

/** Returns what opens a tall message, as server/pages/message-line.ts writes it. */
function unfold(words: ScriptWords): HTMLElement {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const label = document.createElement("span");
  details.className = "unfold";
  summary.className = "button quiet small";
  summary.dataset.open = words.showLess;
  label.textContent = words.showAll;
  summary.append(label);
  details.append(summary);
  return details;
}

/** Adds to a line what the server has stored about its event. */
export function settleLine(line: HTMLElement, event: RoomEvent): void {
  line.dataset.seq = String(event.seq);
  line.dataset.at = event.at;
  if (event.id !== undefined) line.dataset.clientId = event.id;
  describeMember(line, event.member);
  showLocalTime(line.querySelector("time") as HTMLTimeElement, event.at);
}

/**
 * Shows a member's name, tag, trip, color and seal on a line of the log or of the list of people.
 */
export function describeMember(element: HTMLElement, member: Member): void {
  element.dataset.memberId = member.id;
  element.dataset.color = member.color;
  element.dataset.seal = sealOf(member.nickname);
  inside(element, "nickname").textContent = member.nickname;
  const tag = inside(element, "tag");
  tag.textContent = member.tag === undefined ? "" : `·${member.tag}`;
  tag.hidden = member.tag === undefined;
  const trip = inside(element, "trip");
  trip.textContent = member.trip || "";
  trip.hidden = member.trip === undefined;
}

/** Returns the part of a line that has a class. */
export function inside(line: HTMLElement, name: string): HTMLElement {
  return contentOf(line).querySelector(`.${name}`) as HTMLElement;
}

/** Returns what holds the parts of a line: those of a line that is hidden are in a template. */
export function contentOf(line: HTMLElement): ParentNode & Node {
  const { firstElementChild: first } = line;
  return first instanceof HTMLTemplateElement ? first.content : line;
}

function linkedText(text: string): (Node | string)[] {
  return linkedPieces(text).map((piece) => {
    if (piece.href === "") return piece.text;
    const link = document.createElement("a");
    link.href = piece.href;
    link.rel = "nofollow noopener noreferrer ugc";
    link.target = "_blank";
    link.textContent = piece.text;
    return link;
  });
}
