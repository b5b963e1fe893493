import type { Member, RoomEvent } from "../../protocol/event.ts";
import { linkedPieces, type TextPiece } from "../../protocol/links.ts";
import type { ScriptWords } from "../words.ts";
import { addText, attr, create, setText } from "./dom.ts";

/** Returns a line of the log for an event, as server/pages/message-line.ts writes it. */
export function lineOfEvent(event: RoomEvent, words: ScriptWords): PageElement {
  const { kind, text = "" } = event;
  const line = lineOf(event.member, kind === "enter" ? words.entered : kind === "leave" ? words.left : text, kind);
  line.setAttribute("data-seq", String(event.seq));
  line.setAttribute("data-at", event.at);
  if (event.id !== undefined) line.setAttribute("data-client-id", event.id);
  finish(line);
  return line;
}

/** Returns a line for a text of a member. */
export function lineOf(member: Member, text: string, kind: string): PageElement {
  const line = create("li", `line ${kind}`);
  describe(line, member);
  line.appendChild(document.createElement("time"));
  addText(line, " ");
  addLinked(line.appendChild(create("span", "text")), text);
  return line;
}

/** Appends a member's name, tag and trip to a line of the log or of the list of people. */
export function describe(element: PageElement, member: Member): void {
  element.setAttribute("data-member-id", member.id);
  const nickname = element.appendChild(create("span", "nickname", member.nickname));
  nickname.style.color = member.color;
  if (member.tag !== undefined) element.appendChild(create("span", "tag", `·${member.tag}`));
  addText(element, " ");
  if (member.trip === undefined) return;
  element.appendChild(create("span", "trip", member.trip));
  addText(element, " ");
}

/**
 * Adds what a style sheet cannot here: the color of a name, and the reader's own time instead of
 * UTC.
 */
export function finish(line: PageElement): void {
  const nickname = line.getElementsByTagName("span")[0];
  if (nickname?.className === "nickname" && attr(line, "data-color") !== "")
    nickname.style.color = attr(line, "data-color");
  const time = line.getElementsByTagName("time")[0];
  const at = attr(line, "data-at");
  if (time !== undefined && at !== "") setText(time, localTime(at));
}

// [IE8] Date cannot parse ISO dates.
function localTime(at: string): string {
  const figures = at.replace(/\D/g, " ").split(" ");
  const figure = (i: number) => Number(figures[i]);
  const moment = new Date(Date.UTC(figure(0), figure(1) - 1, figure(2), figure(3), figure(4)));
  const date = dateOf(moment);
  const time = `${moment.getHours()}:${moment.getMinutes() < 10 ? "0" : ""}${moment.getMinutes()}`;
  return date === dateOf(new Date()) ? time : `${date} ${time}`;
}

function dateOf(moment: Date): string {
  return `${moment.getMonth() + 1}/${moment.getDate()}`;
}

function addLinked(element: PageElement, text: string): void {
  const pieces = linkedPieces(text);
  for (let i = 0; i < pieces.length; i++) addPiece(element, pieces[i] as TextPiece);
}

function addPiece(element: PageElement, { text, href }: TextPiece): void {
  if (href === "") {
    addText(element, text);
    return;
  }
  const link = element.appendChild(create("a", "", text));
  link.href = href;
  link.target = "_blank";
  link.setAttribute("rel", "nofollow noopener noreferrer ugc");
}
