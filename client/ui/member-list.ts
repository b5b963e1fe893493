import type { Member } from "../../protocol/event.ts";
import { PEOPLE_SHOWN } from "../../protocol/limits.ts";
import type { MemberList } from "../face.ts";
import { ignores } from "../ignored.ts";
import type { Page } from "../page.ts";
import { fill } from "../words.ts";
import { optional } from "./browser.ts";
import { describeMember, inside } from "./line.ts";
import { makeNameButton, memberOf } from "./line-tools.ts";
import { createMenuButton } from "./menu.ts";
import { part } from "./part.ts";

/** The people on the page. `shows`: whether what a person with this nickname does is shown. */
export type ShownMembers = MemberList & { shows(nickname: string): boolean };

/** Returns the list that the server has begun. */
export function createMemberList(page: Page): ShownMembers {
  const { words, ignored } = page;
  const list = part("members");
  const figures = part("people-figures");
  const items = () => Array.from(list.children) as HTMLElement[];
  const find = (member: Member) => items().find((item) => item.dataset.memberId === member.id);
  const itemOf = (member: Member) => {
    const item = part<HTMLTemplateElement>("person").content.firstElementChild?.cloneNode(true) as HTMLElement;
    describeMember(item, member);
    equipPerson(item, page);
    return item;
  };
  const entered = (member: Member) => {
    find(member)?.remove();
    if (list.childElementCount < PEOPLE_SHOWN) list.append(itemOf(member));
  };
  unfoldOnWideScreens(list.closest("details"));
  for (const item of items()) equipPerson(item, page);
  ignored.listeners.push(() => {
    for (const item of items()) markIgnored(item, page);
  });
  return {
    shows: (nickname) => !items().some((item) => isIgnored(item) && memberOf(item).nickname === nickname),
    entered,
    left(member) {
      find(member)?.remove();
    },
    renamed(member, isErased) {
      const item = find(member);
      if (item) item.replaceWith(itemOf(member));
      else if (!isErased) entered(member);
    },
    replace(members) {
      list.replaceChildren();
      members.forEach(entered);
    },
    shown: () => list.childElementCount,
    count(now) {
      figures.textContent = fill(words.peopleFigures, now);
      part("people-cut").textContent =
        now.members > list.childElementCount
          ? fill(words.peopleCut, { shown: list.childElementCount, members: now.members })
          : "";
    },
  };
}

/** Adds to a person their menu, and a mark to the reader themselves. */
function equipPerson(item: HTMLElement, page: Page): void {
  const { words, me, present } = page;
  const { id, nickname } = memberOf(item);
  if (present) makeNameButton(item, 0);
  if (id === me.id) {
    item.classList.add("own");
    item.append(" ", createMark("you", words.you));
  }
  if (present || id !== me.id) item.append(" ", createMenuButton(fill(words.personActions, { nickname })));
  markIgnored(item, page);
}

function markIgnored(item: HTMLElement, { ignored, me, words }: Page): void {
  const member = memberOf(item);
  const is = member.id !== me.id && ignores(ignored, member);
  if (is === isIgnored(item)) return;
  item.classList.toggle("ignored", is);
  if (is) inside(item, "menu-button").before(createMark("ignored-mark", words.ignoring), " ");
  else inside(item, "ignored-mark").remove();
}

function isIgnored({ classList }: HTMLElement): boolean {
  return classList.contains("ignored");
}

function createMark(className: string, text: string): HTMLElement {
  const mark = document.createElement("span");
  mark.className = className;
  mark.textContent = text;
  return mark;
}

/**
 * Shows the list as a column on a wide screen. Nothing folds there, so the line above it is no stop
 * for the keyboard.
 */
function unfoldOnWideScreens(details: HTMLDetailsElement | null): void {
  const wide = optional(() => matchMedia("(min-width: 56rem)"));
  if (wide === undefined) return;
  const unfold = () => {
    if (details === null) return;
    details.open = wide.matches;
    details.querySelector("summary")?.setAttribute("tabindex", wide.matches ? "-1" : "0");
  };
  wide.addEventListener("change", unfold);
  if (wide.matches) unfold();
}
