import { PATHS } from "../../protocol/paths.ts";
import { messageActsPath, personActsPath, whisperActsPath } from "../../protocol/tool-paths.ts";
import { changeMessage } from "../core/sending/change.ts";
import type { Sender } from "../core/sending/send.ts";
import { environment } from "../environment.ts";
import { type IgnoredPerson, ignores, setIgnored } from "../ignored.ts";
import { mentionOf } from "../mention.ts";
import type { Page } from "../page.ts";
import { fill } from "../words.ts";
import type { OldComposer } from "./composer.ts";
import { addText, attr, clear, create, createButton, hasClass, onClick, plainText, spanOf } from "./dom.ts";
import { momentOf } from "./local-time.ts";

/** The parts of the page that lines and people act on. A visitor has no composer. */
export type OldActs = { page: Page; sender: Sender; composer: OldComposer | undefined };

const MINUTE_MS = 60_000;

/** Returns the member that an element names. */
export function memberOf(element: PageElement): IgnoredPerson {
  const trip = spanOf(element, "trip");
  const member = { id: attr(element, "data-member-id"), nickname: textOf(element, "nickname") };
  return trip === undefined ? member : { ...member, trip: plainText(trip) };
}

/** Adds to a message what its reader can do there, and marks it if it is their own. */
export function equipLine(line: PageElement, acts: OldActs): void {
  const { page } = acts;
  const isOwn = attr(line, "data-member-id") === page.me.id;
  if (!isOwn) makeNameButton(line, acts, -1);
  const isNotice = hasClass(line, "notice");
  if (!hasClass(line, "message") && !hasClass(line, "whisper") && !(isNotice && page.moderates)) return;
  if (isOwn && !isNotice) line.className += " own";
  addMenu(line, page.words.actions, () => actionsOf(line, acts));
}

/** Adds to a person in the list what the reader can do there. */
export function equipPerson(item: PageElement, acts: OldActs): void {
  const { words, ignored, me } = acts.page;
  const member = memberOf(item);
  const { nickname } = member;
  if (member.id === me.id) {
    item.className = "person own";
    item.appendChild(create("span", "tag", words.you));
    return;
  }
  makeNameButton(item, acts, 0);
  addMenu(item, fill(words.personActions, { nickname }), () => {
    const is = ignores(ignored, member);
    const actions = [
      actsLink(acts, personActsPath(acts.page.room, member.id)),
      ignoring(fill(is ? words.stopIgnoringName : words.ignore, { nickname }), acts, { member, is: !is }),
    ];
    if (acts.composer) actions.push(createButton(words.whisper, () => acts.composer?.whisper(nickname)));
    return actions;
  });
}

/** Lets a name put "@name " into the field. */
function makeNameButton(element: PageElement, acts: OldActs, tabIndex: number): void {
  const name = spanOf(element, "nickname");
  if (name === undefined) return;
  const press = () => acts.composer?.insert((before) => mentionOf(plainText(name), before));
  onClick(name, press);
  if (!acts.page.present) return;
  name.setAttribute("role", "button");
  name.tabIndex = tabIndex;
  name.onkeydown = (event) => {
    if ((event || window.event).keyCode !== 13) return undefined;
    press();
    return false;
  };
}

/** Adds a button that opens others next to it. */
function addMenu(element: PageElement, label: string, actions: () => PageElement[]): void {
  const box = create("span", "menu");
  const close = () => {
    clear(box);
    button.setAttribute("aria-expanded", "false");
  };
  const button = createButton("…", () => {
    const isOpen = box.firstChild !== null;
    const opened = isOpen ? [] : actions();
    close();
    button.setAttribute("aria-expanded", String(!isOpen));
    for (let i = 0; i < opened.length; i++) {
      const action = opened[i] as PageElement;
      addText(box, " ");
      box.appendChild(action);
      if (action.onclick) closeAfter(action, close);
    }
  });
  button.className = "button small menu-button";
  button.setAttribute("role", "button");
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-expanded", "false");
  addText(element, " ");
  element.appendChild(button);
  element.appendChild(box);
}

function closeAfter(action: PageElement, close: () => void): void {
  const { onclick } = action;
  action.onclick = () => {
    onclick?.();
    close();
    return false;
  };
}

function actionsOf(line: PageElement, acts: OldActs): PageElement[] {
  const { page } = acts;
  const { words, address, room } = page;
  const seq = Number(attr(line, "data-seq"));
  const member = memberOf(line);
  const { nickname } = member;
  const text = textOf(line, "text");
  const isOwn = hasClass(line, "own");
  const isErased = hasClass(line, "erased");
  const isWhisper = hasClass(line, "whisper");
  // Moderators can erase a notice, and nobody answers it.
  const isNotice = hasClass(line, "notice");
  const composer = isNotice ? undefined : acts.composer;
  const isInTime = environment.now() - momentOf(attr(line, "data-at")) < page.editMinutes * MINUTE_MS;
  const actions: PageElement[] = [];
  const add = (label: string, act: () => void) => actions.push(createButton(label, act));
  if (composer && !isOwn) add(words.whisper, () => composer.whisper(nickname));
  if (composer && !isErased && !isWhisper) {
    add(words.reply, () => composer.begin({ kind: "reply", seq, memberId: member.id, nickname, text }));
    if (isOwn && isInTime) {
      add(words.edit, () => composer.begin({ kind: "edit", seq, memberId: member.id, nickname, text }));
      add(words.erase, () => {
        if (window.confirm(words.eraseSure)) erase(acts, seq);
      });
    }
    if (isOwn) add(words.again, () => composer.insert(() => text));
  }
  if (!isErased && !isWhisper && (!isOwn || page.moderates)) actions.push(actsLink(acts, messageActsPath(room, seq)));
  if (isWhisper && !isOwn) actions.push(actsLink(acts, whisperActsPath(room, member.id, attr(line, "data-whisper"))));
  const link = create("a", "", words.link);
  link.href = `${address.base + PATHS.room(room)}/${seq}`;
  if (!isWhisper) actions.push(link);
  if (!isOwn && !isNotice) actions.push(ignoring(fill(words.ignore, { nickname }), acts, { member, is: true }));
  return actions;
}

/** Returns the link to the page with which a message or a person is reported or moderated. */
function actsLink({ page }: OldActs, path: string): PageElement {
  const { words, address, moderates } = page;
  const link = create("a", "", moderates ? words.moderate : words.report);
  link.href = address.base + path;
  return link;
}

function ignoring(
  label: string,
  { page }: OldActs,
  { member, is }: { member: IgnoredPerson; is: boolean },
): PageElement {
  const button = createButton(label, () => setIgnored(page.ignored, member, is));
  button.className += " ignore";
  return button;
}

function erase({ page, sender, composer }: OldActs, seq: number): void {
  const { room, words } = page;
  changeMessage(sender, { room, seq }, (outcome) => {
    if ("refused" in outcome) composer?.complain(words.refusals[outcome.refused] || words.notChanged);
  });
}

function textOf(element: PageElement, name: string): string {
  const span = spanOf(element, name);
  return span === undefined ? "" : plainText(span);
}
