import type { Member } from "../../protocol/event.ts";
import { PEOPLE_SHOWN } from "../../protocol/limits.ts";
import type { MemberList } from "../face.ts";
import { fill, type ScriptWords } from "../words.ts";
import { optional } from "./browser.ts";
import { describeMember } from "./line.ts";
import { part } from "./part.ts";

/** Returns the list that the server has begun. */
export function createMemberList(words: ScriptWords): MemberList {
  const list = part("members");
  const figures = part("people-figures");
  const find = (member: Member) =>
    Array.from(list.children).find((item) => (item as HTMLElement).dataset.memberId === member.id);
  const entered = (member: Member) => {
    find(member)?.remove();
    if (list.childElementCount >= PEOPLE_SHOWN) return;
    const item = part<HTMLTemplateElement>("person").content.firstElementChild?.cloneNode(true) as HTMLElement;
    describeMember(item, member);
    list.append(item);
  };
  unfoldOnWideScreens(list.closest("details"));
  return {
    entered,
    left(member) {
      find(member)?.remove();
    },
    replace(members) {
      list.replaceChildren();
      members.forEach(entered);
    },
    count(now) {
      figures.textContent = fill(words.peopleFigures, now);
      part("people-cut").textContent =
        now.members > list.childElementCount
          ? fill(words.peopleCut, { shown: list.childElementCount, members: now.members })
          : "";
    },
  };
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
