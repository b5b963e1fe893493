import type { Member } from "../../protocol/event.ts";
import { sealOf } from "../../protocol/graphemes.ts";
import { grouped } from "../../protocol/line.ts";
import { type Html, html } from "./html.ts";
import { figuresOf, fill } from "./language.ts";
import type { PageWords } from "./words/ja.ts";

/** The people of a room: the members to show, and the numbers of all members and visitors. */
export type PeopleView = { members: Member[]; memberCount: number; visitors: number };

/**
 * Renders the people: collapsed on a phone, a column on a desktop. A list that is cut says so. The
 * reader renames itself by a form that is for the script, or else by a link. `list` is the link to
 * the page of the people, for reports without script.
 */
export function people(
  words: PageWords,
  { members, memberCount, visitors }: PeopleView,
  { rename, list }: { rename: { form: string; link: Html | false }; list: Html },
): Html {
  const figures = figuresOf(words.script.peopleFigures, { members: memberCount, visitors });
  const isCut = memberCount > members.length;
  const cut = isCut && fill(words.script.peopleCut, { shown: grouped(members.length), members: grouped(memberCount) });
  return html`<details class="people">
<summary><span class="people-title">${words.people}</span> <span id="people-figures" class="people-figures">${figures}</span></summary>
<ul id="members" class="members" aria-label="${words.people}" data-nobody="${words.nobodyHere}" data-rename="${rename.form}">${members.map(personItem)}</ul>
<p id="people-cut" class="people-cut hint">${cut}</p>
<p class="rename-here">${rename.link} ${list}</p>
<template id="person"><li class="person">${memberSkeleton()}</li></template>
</details>`;
}

function personItem(member: Member): Html {
  return html`<li class="person" data-member-id="${member.id}" data-color="${member.color}" data-seal="${sealOf(member.nickname)}">${nicknameOf(member)}${tagMark(member)} ${member.trip !== undefined && tripOf(member)}</li>
`;
}

/**
 * Renders a member's nickname: in its own direction, and not translated by the browser, like all
 * marks of a member.
 */
export function nicknameOf({ nickname }: Pick<Member, "nickname">): Html {
  return html`<span translate="no" dir="auto" class="nickname">${nickname}</span>`;
}

/** Renders a member's trip. */
export function tripOf({ trip }: Member): Html {
  return html`<span translate="no" class="trip">${trip}</span>`;
}

/** Renders the empty marks of a member, for the script to fill in. */
export function memberSkeleton(): Html {
  return html`${nicknameOf({ nickname: "" })}<span class="tag"></span> ${tripOf({} as Member)}`;
}

/** Renders the mark of a nickname that someone else gave up a short while ago, if it has one. */
export function tagMark({ tag }: Member): Html | false {
  return tag !== undefined && html`<span class="tag">·${tag}</span>`;
}
