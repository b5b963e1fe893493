import type { Member, RoomEdit, RoomErase, RoomEvent, RoomWhisper } from "../../protocol/event.ts";
import { isErased } from "../../protocol/line.ts";
import { linkedPieces, type TextPiece } from "../../protocol/links.ts";
import { PATHS } from "../../protocol/paths.ts";
import { tallClass } from "../../protocol/tall.ts";
import type { Page } from "../page.ts";
import { whisperSeq } from "../whispers.ts";
import { fill, type ScriptWords } from "../words.ts";
import { addText, attr, clear, create, createButton, part, remove, setText } from "./dom.ts";
import { momentOf, timeOf } from "./local-time.ts";

/** Returns a line of the log for an event, as server/pages/message-line.ts writes it. */
export function lineOfEvent(event: RoomEvent, page: Page): PageElement {
  const { words } = page;
  const { kind, text = "" } = event;
  const line = lineOf(event.member, wordsOf(event, words), kind);
  if (kind === "message") {
    if (event.reply !== undefined) addQuote(line, event.reply, page);
    if (event.edited) markEdited(line, words);
  }
  if (tallClass(text) === "tall") shut(line, words);
  const whispered = whisperSeq(event);
  line.setAttribute(whispered === undefined ? "data-seq" : "data-whisper", String(whispered || event.seq));
  line.setAttribute("data-at", event.at);
  if (event.id !== undefined) line.setAttribute("data-client-id", event.id);
  if (event.kind === "whisper") addWhisperMark(line, event, page);
  else (inside(line, "at") as PageElement).href = messagePath(event.seq);
  if (isErased(event)) showErased(line, words);
  finish(line);
  return line;
}

/** Says to whom a whisper was said, as server/pages/whispers.ts does. */
function addWhisperMark(line: PageElement, { to }: RoomWhisper, { words, me }: Page): void {
  const label = to.id === me.id ? words.whisperToMe : fill(words.whisperTo, { nickname: to.nickname });
  const said = inside(line, "text") as PageElement;
  line.insertBefore(create("span", "whisper-mark", label), said);
  line.insertBefore(document.createTextNode(" "), said);
}

/** Returns the line of a gap after an event, as server/pages/log-lines.ts writes it. */
export function lineOfGap(after: number, words: ScriptWords): PageElement {
  const line = create("li", "gap");
  line.setAttribute("data-after", String(after));
  line.appendChild(create("a", "button", words.gap)).href = messagePath(after);
  return line;
}

function messagePath(seq: number): string {
  const room = part("room");
  return attr(room, "data-base") + PATHS.message(attr(room, "data-room"), seq);
}

/** Returns a line for a text of a member. */
export function lineOf(member: Member, text: string, kind: string): PageElement {
  const line = create("li", `line ${kind}`);
  describe(line, member);
  line.appendChild(create("a", "at")).appendChild(document.createElement("time"));
  addText(line, " ");
  write(line.appendChild(create("span", "text")), text);
  return line;
}

function write(element: PageElement, text: string): void {
  clear(element);
  direct(element, text);
  addLinked(element, text);
}

function wordsOf(event: RoomEvent, words: ScriptWords): string {
  if (event.kind === "enter") return words.entered;
  if (event.kind === "leave") return words.left;
  if (event.kind !== "rename") return event.text || "";
  const { member, former } = event;
  const isSame = former.nickname === member.nickname && former.trip === member.trip;
  return isSame ? words.recolored : fill(words.renamed, { former: former.nickname });
}

/** Shows on its line that the name of its author was erased. */
export function showUnname(line: PageElement, { nickname }: Member): void {
  const name = inside(line, "nickname");
  if (name) setText(name, nickname);
  const trip = inside(line, "trip");
  const tag = inside(line, "tag");
  if (trip) remove(trip);
  if (tag) remove(tag);
  // The text is the former name.
  if (/ rename( |$)/.test(line.className)) setText(inside(line, "text") as PageElement, "");
}

/** Shows on its line that a message was edited or erased. Showing it again changes nothing. */
export function showChange(line: PageElement, change: RoomEdit | RoomErase, words: ScriptWords): void {
  const { text } = change;
  // A later event has changed the message again.
  if (/ erased\b/.test(line.className) || (change.kind === "edit" && text === undefined)) return;
  const button = inside(line, "button small");
  if (button) remove(button);
  line.className = line.className.replace(/ shut\b/, "");
  if (change.kind === "erase") showErased(line, words);
  else {
    write(inside(line, "text") as PageElement, text || "");
    markEdited(line, words);
    if (tallClass(text || "") === "tall") shut(line, words);
  }
}

function showErased(line: PageElement, words: ScriptWords): void {
  const mark = inside(line, "edited-mark");
  if (mark) remove(mark);
  line.className = `${line.className.replace(/ edited\b/, "")} erased`;
  write(inside(line, "text") as PageElement, words.erased);
}

function markEdited(line: PageElement, words: ScriptWords): void {
  if (inside(line, "edited-mark")) return;
  line.className += " edited";
  addText(line, " ");
  line.appendChild(create("span", "edited-mark", words.edited));
}

/** Adds a link to the message that is answered, before its words are known. */
export function addQuote(line: PageElement, reply: number, { room, address, words }: Page): void {
  const quote = create("a", "quote", fill(words.quoted, { seq: String(reply) }));
  quote.href = `${address.base}${PATHS.room(room)}/${reply}`;
  quote.setAttribute("data-reply", String(reply));
  line.insertBefore(quote, inside(line, "text") as PageElement);
}

/** Shows the beginning of the message that is answered, which has a line on the page. */
export function fillQuote(quote: PageElement, answered: PageElement): void {
  const name = inside(answered, "nickname");
  const text = inside(answered, "text");
  if (name && text) setText(quote, `${plain(name)}: ${plain(text).slice(0, EXCERPT_LENGTH)}`);
}

const EXCERPT_LENGTH = 80;

/** Returns the element of a line with these classes. */
export function inside(line: PageElement, className: string): PageElement | undefined {
  const elements = line.getElementsByTagName("*");
  for (let i = 0; i < elements.length; i++)
    if ((elements[i] as PageElement).className === className) return elements[i] as PageElement;
  return undefined;
}

// biome-ignore lint/performance/useDomNodeTextContent: [IE8] It has no textContent.
function plain({ textContent, innerText }: PageElement): string {
  return textContent || innerText || "";
}

/** Returns the text of a message's line. */
export function textIn(line: PageElement): string {
  const spans = line.getElementsByTagName("span");
  for (let i = spans.length - 1; i >= 0; i--) {
    const span = spans[i] as PageElement;
    if (span.className === "text") return textOf(span);
  }
  return "";
}

/** Shows only the beginning of a tall message, and a button for all of it. */
function shut(line: PageElement, { showAll, showLess }: Pick<ScriptWords, "showAll" | "showLess">): void {
  const button = createButton(showAll, () => {
    const isShut = / shut$/.test(line.className);
    line.className = isShut ? line.className.replace(/ shut$/, "") : `${line.className} shut`;
    setText(button, isShut ? showLess : showAll);
  });
  line.className += " shut";
  line.appendChild(button);
}

/** Sets the direction of a text by its first letter. [IE] It does not know `dir="auto"`. */
function direct(element: PageElement, text: string): void {
  element.setAttribute("dir", RIGHT_TO_LEFT.test(text) ? "rtl" : "ltr");
}

function textOf({ innerHTML }: PageElement): string {
  return innerHTML.replace(/<[^>]*>/g, "");
}

const RIGHT_TO_LEFT = /^[^a-z\xaa-\u0590\u0900-\u1fff\u2c00-\ufb1c]*[\u0591-\u08ff\ufb1d-\ufefc]/i;

/** Appends a member's name, tag and trip to a line of the log or of the list of people. */
export function describe(element: PageElement, member: Member): void {
  element.setAttribute("data-member-id", member.id);
  const nickname = element.appendChild(create("span", "nickname", member.nickname));
  nickname.style.color = member.color;
  direct(nickname, member.nickname);
  nickname.setAttribute("translate", "no");
  if (member.tag !== undefined) element.appendChild(create("span", "tag", `·${member.tag}`));
  addText(element, " ");
  if (member.trip === undefined) return;
  element.appendChild(create("span", "trip", member.trip));
  addText(element, " ");
}

/**
 * Adds what a style sheet cannot here: the color of a name, the direction of a text, the reader's
 * own time instead of UTC, and a button for a tall message instead of `<details>`.
 */
export function finish(line: PageElement): void {
  const spans = line.getElementsByTagName("span");
  for (let i = 0; i < spans.length; i++) {
    const span = spans[i] as PageElement;
    if (attr(span, "dir") === "auto") direct(span, textOf(span));
  }
  const summary = line.getElementsByTagName("summary")[0];
  if (summary !== undefined) {
    if (/ tall( |$)/.test(line.className))
      shut(line, { showAll: textOf(summary), showLess: attr(summary, "data-open") });
    remove(summary.parentNode as PageElement);
  }
  const nickname = line.getElementsByTagName("span")[0];
  if (nickname?.className === "nickname" && attr(line, "data-color") !== "")
    nickname.style.color = attr(line, "data-color");
  const time = line.getElementsByTagName("time")[0];
  const at = attr(line, "data-at");
  if (time !== undefined && at !== "") setText(time, timeOf(momentOf(at)));
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
