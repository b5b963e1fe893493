import type { Member, MembersSignal } from "../../protocol/event.ts";
import { PEOPLE_SHOWN } from "../../protocol/limits.ts";
import { describeMember } from "./line.ts";
import { part } from "./page.ts";
import { fill, type Words } from "./words.ts";

/** The people on the screen, at most PEOPLE_SHOWN. The page brings the list; `enter` and `leave` in the log keep it. */
export type MemberList = {
  entered(member: Member): void;
  left(member: Member): void;
  /** Begins anew with these: the log that kept the list cannot be continued. */
  replace(members: Member[]): void;
  /** The server's own count, of members and of those who only watch. */
  count(figures: Pick<MembersSignal, "members" | "visitors">): void;
};

/** The list that the server has begun. */
export function createMemberList(words: Words): MemberList {
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

// The style sheet shows a folded list as a column where the browser knows ::details-content; this is for the others.
function unfoldOnWideScreens(details: HTMLDetailsElement | null): void {
  const wide = window.matchMedia("(min-width: 56rem)");
  const unfold = () => {
    if (details && wide.matches) details.open = true;
  };
  wide.addEventListener("change", unfold);
  unfold();
}
