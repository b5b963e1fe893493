import type { Member, RoomEdit, RoomErase, RoomEvent, RoomRename, RoomWhisper } from "../../protocol/event.ts";
import { excerptOf, sealOf } from "../../protocol/graphemes.ts";
import { isErased } from "../../protocol/line.ts";
import { linkedPieces } from "../../protocol/links.ts";
import { PATHS } from "../../protocol/paths.ts";
import { tallClass } from "../../protocol/tall.ts";
import type { Page } from "../page.ts";
import { whisperSeq } from "../whispers.ts";
import { fill, type ScriptWords } from "../words.ts";
import { showLocalTime } from "./local-time.ts";
import { part } from "./part.ts";

/** Returns a line of the log for an event: the page's template, filled with text nodes only. */
export function lineOfEvent(event: RoomEvent, page: Page): HTMLElement {
  const { kind, member } = event;
  const { words } = page;
  const line = kind === "message" ? lineOf(member, event, page) : emptyLine(member);
  const text = inside(line, "text");
  if (kind === "enter" || kind === "leave") text.append(kind === "enter" ? words.entered : words.left);
  else if (kind === "rename") text.append(...renamed(event, words));
  else if (kind === "notice") text.append(event.text || "");
  else if (kind === "message" && event.edited) markEdited(line, words);
  else if (kind === "whisper") whisper(line, event, page);
  if (isErased(event)) showErased(line, words);
  line.classList.add(kind);
  settleLine(line, event);
  return line;
}

/** Says on its line to whom a whisper was said, as server/pages/whispers.ts does. */
function whisper(line: HTMLElement, { text = "", to }: RoomWhisper, { words, me }: Page): void {
  const mark = document.createElement("span");
  mark.className = "whisper-mark";
  if (to.id === me.id) mark.textContent = words.whisperToMe;
  else {
    const [before = "", after = ""] = words.whisperTo.split("{nickname}");
    const name = document.createElement("bdi");
    name.translate = false;
    name.textContent = to.nickname;
    mark.append(before, name, after);
  }
  writeText(line, text, words);
  inside(line, "text").before(mark, " ");
}

/** Returns a line for a message of a member, which may not be in the log yet. */
export function lineOf(
  member: Member,
  { text = "", reply }: { text?: string; reply?: number | undefined },
  page: Page,
): HTMLElement {
  const line = emptyLine(member);
  if (reply !== undefined) inside(line, "text").before(quoteOf(reply, page), " ");
  writeText(line, text, page.words);
  return line;
}

/** Writes the text of a message, and what opens it if it is tall. */
function writeText(line: HTMLElement, message: string, words: ScriptWords): void {
  const text = inside(line, "text");
  const tall = tallClass(message);
  text.replaceChildren(...linkedText(message));
  if (tall === "") return;
  line.classList.add(tall);
  text.before(unfold(words), " ");
}

/** Shows on its line that the name of its author was erased. */
export function showUnname(line: HTMLElement, { nickname, id }: Member): void {
  const color = line.dataset.color || "";
  describeMember(line, { id, nickname, color });
  const former = inside(line, "former");
  if (former) former.textContent = nickname;
}

/** Shows on its line that a message was edited or erased. Showing it again changes nothing. */
export function showChange(line: HTMLElement, change: RoomEdit | RoomErase, words: ScriptWords): void {
  // A later event has changed the message again.
  if (line.classList.contains("erased") || (change.kind === "edit" && change.text === undefined)) return;
  const tall = tallClass(inside(line, "text").textContent || "");
  if (tall !== "") line.classList.remove(tall);
  inside(line, "unfold")?.remove();
  if (change.kind === "erase") showErased(line, words);
  else {
    writeText(line, change.text || "", words);
    markEdited(line, words);
  }
}

function showErased(line: HTMLElement, words: ScriptWords): void {
  line.classList.add("erased");
  line.classList.remove("edited");
  inside(line, "edited-mark")?.remove();
  inside(line, "text").replaceChildren(words.erased);
}

function markEdited(line: HTMLElement, words: ScriptWords): void {
  line.classList.add("edited");
  if (inside(line, "edited-mark")) return;
  const mark = document.createElement("span");
  mark.className = "edited-mark";
  mark.textContent = words.edited;
  inside(line, "text").after(" ", mark);
}

/** Returns what a member has changed about itself. A former name has a direction of its own. */
function renamed({ member, former }: RoomRename, words: ScriptWords): (Node | string)[] {
  if (former.nickname === member.nickname && former.trip === member.trip) return [words.recolored];
  const [before = "", after = ""] = words.renamed.split("{former}");
  const name = document.createElement("bdi");
  name.className = "former";
  name.translate = false;
  name.textContent = former.nickname;
  return [before, name, after];
}

/** Returns a link to the message that is answered, before its words are known. */
function quoteOf(reply: number, { room, address, words }: Page): HTMLElement {
  const quote = document.createElement("a");
  quote.className = "quote";
  quote.href = `${address.base}${PATHS.room(room)}/${reply}`;
  quote.dataset.reply = String(reply);
  quote.textContent = fill(words.quoted, { seq: String(reply) });
  return quote;
}

/** Shows the beginning of the message that is answered, which has a line on the page. */
export function fillQuote(quote: Element, answered: HTMLElement): void {
  const name = document.createElement("bdi");
  const text = document.createElement("span");
  name.className = "quote-name";
  name.translate = false;
  name.textContent = inside(answered, "nickname").textContent;
  text.className = "quote-text";
  text.dir = "auto";
  text.textContent = excerptOf(inside(answered, "text").textContent || "");
  quote.replaceChildren(name, " ", text);
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
  const whispered = whisperSeq(event);
  if (whispered === undefined) line.dataset.seq = String(event.seq);
  else line.dataset.whisper = String(whispered);
  line.dataset.at = event.at;
  if (event.id !== undefined) line.dataset.clientId = event.id;
  describeMember(line, event.member);
  if (whispered === undefined)
    (line.querySelector(".at") as HTMLAnchorElement).href = `${part("line").dataset.to}/${event.seq}`;
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

/** Returns a text with its addresses as links. */
export function linkedText(text: string): (Node | string)[] {
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
