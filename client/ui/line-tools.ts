import { ignores } from "../ignored.ts";
import type { Page } from "../page.ts";
import { contentOf, inside } from "./line.ts";
import { createMenuButton } from "./menu.ts";

/** A member as a line of the log or of the list of people names them. */
export type NamedMember = { id: string; nickname: string; trip?: string };

/** Returns the member that an element names. */
export function memberOf(element: HTMLElement): NamedMember {
  const trip = inside(element, "trip")?.textContent || "";
  const member = { id: element.dataset.memberId || "", nickname: inside(element, "nickname")?.textContent || "" };
  return trip === "" ? member : { ...member, trip };
}

/**
 * Adds to a line of the log what its reader can do there: its menu, and its name, which is a button
 * for members. Marks it if it is the reader's own, and hides it if they ignore its author.
 */
export function equipLine(line: HTMLElement, page: Page): void {
  const isOwn = line.dataset.memberId === page.me.id;
  if (page.present) makeNameButton(line, -1);
  const isSpoken = line.matches(".message, .whisper");
  if (isSpoken) line.classList.toggle("own", isOwn);
  if (isSpoken || (page.moderates && line.matches(".notice"))) {
    // Keys lead to it, see log-keys.ts: the Tab key would stop at each of 500.
    if (inside(line, "menu-button") === null) {
      const button = createMenuButton(page.words.actions);
      button.tabIndex = -1;
      line.append(button);
    }
  }
  hideIgnored(line, page);
}

/** Makes a button of the name in a line. */
export function makeNameButton(line: HTMLElement, tabIndex: number): void {
  const name = inside(line, "nickname");
  name.setAttribute("role", "button");
  name.tabIndex = tabIndex;
}

/**
 * Hides a line if the reader ignores its author, or shows it again. The hidden line keeps its place
 * without height, so that no seq is missing, and its content is in a template, where nothing finds
 * it: neither a search in the page nor a screen reader.
 */
export function hideIgnored(line: HTMLElement, { ignored, me }: Page): void {
  const { classList } = line;
  const isHidden = ignored.people.length > 0 && line.dataset.memberId !== me.id && ignores(ignored, memberOf(line));
  if (isHidden === classList.contains("ignored")) return;
  if (isHidden) {
    const box = document.createElement("template");
    box.content.append(...line.childNodes);
    line.append(box);
  } else {
    const content = contentOf(line);
    line.replaceChildren(...content.childNodes);
  }
  classList.toggle("ignored", isHidden);
}
