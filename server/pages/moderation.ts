import { PATHS } from "../../protocol/paths.ts";
import { messageActsPath, moderationPath, personActsPath } from "../../protocol/tool-paths.ts";
import { type Html, html, link } from "./html.ts";
import { wordsOf } from "./language.ts";
import { formToken, type PageLayout } from "./layout.ts";
import { renderRoomDocument, roomLink } from "./room-document.ts";
import { timeStamp } from "./time-stamp.ts";

/** A room by its name; absent for the whole site. */
type RoomName = string | undefined;

/** A report of a message or a person. */
export type ReportView = {
  id: number;
  at: string;
  /** The nickname of the reporter, unless it was a visitor. */
  by?: string | undefined;
  room: string;
  seq?: number | undefined;
  member: string;
  whom: string;
  text?: string | undefined;
  reason: string;
};

/** Somebody who is silenced or shut out. */
export type BanView = {
  id: number;
  at: string;
  by: string;
  room: RoomName;
  act: string;
  whom: string;
  reason: string;
  until?: string | undefined;
  secretly: boolean;
};

/** An entry of the moderation log. */
export type ModerationEntryView = {
  id: number;
  at: string;
  by: string;
  room: RoomName;
  act: string;
  whom: string;
  reason: string;
  until?: string | undefined;
};

/** The page of a room's moderators. `next` is where the older part of the log begins. */
export type ModerationView = {
  room: { slug: string; title: string };
  reports: ReportView[];
  bans: BanView[];
  log: ModerationEntryView[];
  next?: number | undefined;
};

/** Renders a room's reports, its bans and its moderation log. */
export function renderModeration(layout: PageLayout, view: ModerationView): string {
  const { moderation, backToRoom } = wordsOf(layout.language).moderation;
  const { room } = view;
  const action = moderationPath(room.slug);
  const body = html`${reportsList(layout, view.reports, action)}
${bansList(layout, view.bans, action)}
${moderationLog(layout, view.log, view.next === undefined ? undefined : `${action};before=${view.next}`)}
${roomLink(layout, room.slug, backToRoom)}`;
  return renderRoomDocument(layout, { room, title: moderation.title, body, id: "moderation" });
}

/** Renders the open reports, each with a link to its acts and a button. */
export function reportsList(layout: PageLayout, reports: ReportView[], action: string): Html {
  const { moderation } = wordsOf(layout.language).moderation;
  const items = reports.map((report) => {
    const { id, at, by, room, whom, text, reason } = report;
    return html`<li class="report" data-report="${id}">${timeStamp(layout, at)} <a href="${link(layout.basePath + PATHS.room(room))}" dir="auto">${room}</a> <strong dir="auto">${whom}</strong> ${text !== undefined && html`<span dir="auto" class="report-text">${text}</span>`}
<p>${moderation.columns.reason}: <span dir="auto">${reason === "" ? "—" : reason}</span>${by !== undefined && html` <span class="hint" dir="auto">(${by})</span>`}</p>
<p class="change-buttons">${actsLink(layout, report)} ${oneButton(layout, { action, name: "handled", value: String(id), label: moderation.handled })}</p></li>
`;
  });
  return html`<section id="reports" class="tool-group" aria-labelledby="reports-title">
<h3 id="reports-title">${moderation.reports}</h3>
${items.length === 0 ? html`<p class="hint">${moderation.noReports}</p>` : html`<ul class="tool-list">${items}</ul>`}
</section>`;
}

function actsLink(layout: PageLayout, { room, seq, member }: ReportView): Html {
  const { moderation } = wordsOf(layout.language).moderation;
  const path = seq === undefined ? personActsPath(room, member) : messageActsPath(room, seq);
  return html`<a class="button quiet small" href="${link(layout.basePath + path)}">${moderation.look}</a>`;
}

/** Renders those who are silenced or shut out, each with a button that lifts it. */
export function bansList(layout: PageLayout, bans: BanView[], action: string): Html {
  const { moderation } = wordsOf(layout.language).moderation;
  const rows = bans.map(
    (ban) => html`<tr data-ban="${ban.id}">${cells(layout, ban)}
<td>${oneButton(layout, { action, name: "lift", value: String(ban.id), label: moderation.lift })}</td></tr>
`,
  );
  return html`<section id="bans" class="tool-group" aria-labelledby="bans-title">
<h3 id="bans-title">${moderation.bans}</h3>
${rows.length === 0 ? html`<p class="hint">${moderation.noBans}</p>` : tableOf(layout, rows, true)}
</section>`;
}

/** Renders a part of the moderation log, the newest entry first. `older` is the rest's address. */
export function moderationLog(layout: PageLayout, log: ModerationEntryView[], older: string | undefined): Html {
  const { moderation } = wordsOf(layout.language).moderation;
  const rows = log.map((entry) => html`<tr data-entry="${entry.id}">${cells(layout, entry)}</tr>\n`);
  return html`<section id="moderation-log" class="tool-group" aria-labelledby="log-title">
<h3 id="log-title">${moderation.log}</h3>
${rows.length === 0 ? html`<p class="hint">${moderation.noLog}</p>` : tableOf(layout, rows, false)}
${older !== undefined && html`<p><a class="button quiet small" href="${link(layout.basePath + older)}">${moderation.older}</a></p>`}
</section>`;
}

function tableOf(layout: PageLayout, rows: Html[], hasButtons: boolean): Html {
  const { columns } = wordsOf(layout.language).moderation.moderation;
  const { at, act, whom, reason, until, by, room } = columns;
  const heads = [at, act, whom, reason, until, by, room].map((name) => html`<th scope="col">${name}</th>`);
  return html`<div class="table-scroll" tabindex="0"><table>
<thead><tr>${heads}${hasButtons && html`<td></td>`}</tr></thead>
<tbody>
${rows}</tbody>
</table></div>`;
}

function cells(layout: PageLayout, entry: Omit<BanView, "secretly"> & { secretly?: boolean }): Html {
  const { moderation } = wordsOf(layout.language).moderation;
  const { at, act, whom, reason, until, by, room, secretly } = entry;
  const time = until === undefined ? "" : timeStamp(layout, until);
  return html`<td>${timeStamp(layout, at)}</td><td>${moderation.entries[act] ?? act}${secretly && html` <span class="hint">${moderation.secretly}</span>`}</td><td dir="auto">${whom}</td><td dir="auto">${reason}</td><td>${time}</td><td dir="auto">${by}</td><td dir="auto">${room ?? moderation.everywhere}</td>`;
}

function oneButton(
  layout: PageLayout,
  { action, name, value, label }: { action: string; name: string; value: string; label: string },
): Html {
  return html`<form class="inline-form" method="post" action="${link(layout.basePath + action)}">${formToken(layout)}<button class="button quiet small" type="submit" name="${name}" value="${value}">${label}</button></form>`;
}
