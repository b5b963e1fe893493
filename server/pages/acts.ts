import type { Member } from "../../protocol/event.ts";
import { excerptOf } from "../../protocol/graphemes.ts";
import { problemLine } from "./enter-fields.ts";
import { choiceField, linesField, textField, tickField } from "./form-fields.ts";
import { type Html, html, link } from "./html.ts";
import { fill, type Problem, wordsOf } from "./language.ts";
import { formToken, type PageLayout } from "./layout.ts";
import { nicknameOf, tagMark, tripOf } from "./people.ts";
import { renderRoomDocument, roomLink } from "./room-document.ts";

const REASON_LENGTH = 300;

/** The roles that an owner appoints. */
export const APPOINTED = ["moderator", "approved"] as const;

/** The page at `path` with everything that its reader can do about a message or a person. */
export type ActsView = {
  room: { slug: string; title: string };
  path: string;
  isMessage: boolean;
  member: Member;
  /** The words of the message, unless it was erased. */
  text?: string | undefined;
  /** The person's network, and the number of its people in the room now, if that is known. */
  network?: { name: string; count: number } | undefined;
  mayModerate: boolean;
  isOperator: boolean;
  /** The rank of the person in the room; absent if the reader appoints nobody. */
  rank?: string | undefined;
  problem?: Problem | undefined;
};

/** Renders the page of a message or a person. The script shows its forms in a dialog. */
export function renderActs(layout: PageLayout, view: ActsView): string {
  const { acts } = wordsOf(layout.language).moderation;
  const { room, member, text } = view;
  const title = fill(view.isMessage ? acts.ofMessage : acts.ofPerson, { nickname: member.nickname });
  const body = html`<p class="acts-who" data-member-id="${member.id}" data-color="${member.color}">${nicknameOf(member)}${tagMark(member)} ${member.trip !== undefined && tripOf(member)} ${text !== undefined && html`<span dir="auto" class="text">${excerptOf(text)}</span>`}</p>
${problemLine(layout, view.problem)}
${view.mayModerate && moderating(layout, view)}
${reportForm(layout, view)}
${view.rank !== undefined && roleForms(layout, view)}
${roomLink(layout, room.slug, wordsOf(layout.language).moderation.backToRoom)}`;
  return renderRoomDocument(layout, { room, title, body, id: "acts" });
}

/** Renders the page that says what was done. */
export function renderDone(layout: PageLayout, room: { slug: string; title: string }, sentence: string): string {
  const { acts, backToRoom } = wordsOf(layout.language).moderation;
  const body = html`<p class="done" role="status">${sentence}</p>
${roomLink(layout, room.slug, backToRoom)}`;
  return renderRoomDocument(layout, { room, title: acts.title, body, id: "acts" });
}

function moderating(layout: PageLayout, view: ActsView): Html {
  const { acts } = wordsOf(layout.language).moderation;
  const erase = html`<p class="change-buttons"><button class="button" type="submit" name="act" value="erase">${acts.erase}</button></p>`;
  const everywhere = view.isOperator && tickField({ name: "everywhere", label: acts.siteWide, isOn: false });
  const ban = banFields(layout, { targets: targetsOf(layout, view), everywhere });
  return html`${view.isMessage && actForm(layout, view, { id: "erase", fields: erase })}
${actForm(layout, view, { id: "ban", fields: ban })}
${actForm(layout, view, { id: "erase-all", fields: eraseAllFields(layout, view) })}`;
}

function reportForm(layout: PageLayout, view: ActsView): Html {
  const { acts } = wordsOf(layout.language).moderation;
  const fields = html`<h3>${acts.report}</h3>
<p class="hint">${acts.reportHint}</p>
${textField({ name: "reason", label: acts.reason, length: 500 })}
<p class="change-buttons"><button class="button${view.mayModerate && " quiet"}" type="submit" name="act" value="report">${acts.report}</button></p>`;
  return actForm(layout, view, { id: "report", fields });
}

/**
 * Renders the fields that silence, remove or shut out: one of the `targets` that a moderator
 * chooses from, or without them those whom the page is about.
 */
export function banFields(
  layout: PageLayout,
  { targets, everywhere }: { targets?: [string, string][]; everywhere?: Html | false } = {},
): Html {
  const { acts } = wordsOf(layout.language).moderation;
  return html`<h3>${acts.restrict}</h3>
${choiceField({ name: "ban", label: acts.act, value: "silence", options: optionsOf(acts.acts) })}
${targets && choiceField({ name: "whom", label: acts.by, value: "", options: targets })}
${choiceField({ name: "minutes", label: acts.time, value: "60", options: timesOf(layout) })}
${linesField({ name: "reason", label: acts.reason, value: "", rows: 2, length: REASON_LENGTH })}
${tickField({ name: "secretly", label: acts.secretly, isOn: false })}${everywhere}
<p class="change-buttons"><button class="button" type="submit" name="act" value="ban">${acts.apply}</button></p>`;
}

function eraseAllFields(layout: PageLayout, view: ActsView): Html {
  const { acts } = wordsOf(layout.language).moderation;
  return html`<h3>${acts.eraseAll}</h3>
<p class="hint">${acts.eraseAllHint}</p>
${choiceField({ name: "whom", label: acts.by, value: "", options: targetsOf(layout, view) })}
<p class="change-buttons"><button class="button quiet" type="submit" name="act" value="erase-all">${acts.eraseAll}</button></p>`;
}

/** Returns the possible targets: a kind and a value, and its words. */
function targetsOf(layout: PageLayout, { member, network }: Pick<ActsView, "member" | "network">): [string, string][] {
  const { acts } = wordsOf(layout.language).moderation;
  const { id, trip } = member;
  return [
    ...(id === "" ? [] : [[`member ${id}`, acts.byMember] as [string, string]]),
    ...(trip === undefined ? [] : [[`trip ${trip}`, fill(acts.byTrip, { trip })] as [string, string]]),
    ...(network === undefined
      ? []
      : [[`network ${network.name}`, fill(acts.byNetwork, { n: network.count })] as [string, string]]),
  ];
}

/** Returns the times for which somebody can be silenced or shut out, in minutes; 0 is for good. */
function timesOf(layout: PageLayout): [string, string][] {
  const { times } = wordsOf(layout.language).moderation.acts;
  const byLength = (minutes: string) => Number(minutes) || Number.POSITIVE_INFINITY;
  return optionsOf(times).sort(([one], [other]) => byLength(one) - byLength(other));
}

function optionsOf(words: { [value: string]: string }): [string, string][] {
  return Object.entries(words);
}

function roleForms(layout: PageLayout, view: ActsView): Html {
  const { acts, roles: names } = wordsOf(layout.language).moderation;
  const buttons = APPOINTED.map((role) => {
    const has = view.rank === role;
    const label = fill(has ? acts.dismiss : acts.appoint, { role: names[role] });
    return html`<button class="button quiet" type="submit" name="role" value="${has ? "" : role}">${label}</button> `;
  });
  const fields = html`<h3>${acts.role}</h3>
<input type="hidden" name="act" value="role"><p class="change-buttons">${buttons}</p>`;
  return actForm(layout, view, { id: "role", fields });
}

/** Renders a form of the page. */
function actForm(layout: PageLayout, { path }: ActsView, { id, fields }: { id: string; fields: Html }): Html {
  return html`<form class="change-form act-form" id="${id}" method="post" action="${link(layout.basePath + path)}">
${formToken(layout)}${fields}
</form>`;
}
