import type { Member } from "../../protocol/event.ts";
import { PEOPLE_SHOWN } from "../../protocol/limits.ts";
import type { MemberList } from "../face.ts";
import { fill } from "../words.ts";
import { equipPerson, type OldActs } from "./acts.ts";
import { attr, clear, create, part, remove, setText } from "./dom.ts";
import { describe, finish } from "./line.ts";

/** Returns the list that the server has begun. */
export function createMemberList(acts: OldActs): MemberList {
  const { words } = acts.page;
  const list = part("members");
  const items = list.getElementsByTagName("li");
  list.parentNode?.setAttribute("open", "open");
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as PageElement;
    finish(item);
    equipPerson(item, acts);
  }

  return {
    entered,
    left,
    renamed,
    replace(members) {
      clear(list);
      for (let i = 0; i < members.length; i++) entered(members[i] as Member);
    },
    shown: () => items.length,
    count(now) {
      setText(part("people-figures"), fill(words.peopleFigures, now));
      setText(
        part("people-cut"),
        now.members > items.length ? fill(words.peopleCut, { shown: items.length, members: now.members }) : "",
      );
    },
  };

  function entered(member: Member): void {
    left(member);
    if (items.length >= PEOPLE_SHOWN) return;
    const item = list.appendChild(create("li", "person"));
    describe(item, member);
    equipPerson(item, acts);
  }

  function renamed(member: Member, isErased?: boolean): void {
    for (let i = 0; i < items.length; i++) {
      const item = items[i] as PageElement;
      if (attr(item, "data-member-id") !== member.id) continue;
      clear(item);
      describe(item, member);
      equipPerson(item, acts);
      return;
    }
    if (!isErased) entered(member);
  }

  function left({ id }: Member): void {
    for (let i = items.length - 1; i >= 0; i--) {
      const item = items[i] as PageElement;
      if (attr(item, "data-member-id") === id) remove(item);
    }
  }
}
