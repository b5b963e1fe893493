import { grouped } from "../../protocol/line.ts";
import { PATHS } from "../../protocol/paths.ts";
import {
  moderationPath,
  networkPath,
  OPERATE_PATH,
  peoplePath,
  personActsPath,
  settingsPath,
} from "../../protocol/tool-paths.ts";
import { type ActivityView, activityPlot } from "./activity-plot.ts";
import { banFields } from "./acts.ts";
import { problemLine } from "./enter-fields.ts";
import { numberField, textField, tickField } from "./form-fields.ts";
import { type Html, html, link } from "./html.ts";
import { fill, type Problem, wordsOf } from "./language.ts";
import { formToken, homeLink, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";
import {
  type BanView,
  bansList,
  type ModerationEntryView,
  moderationLog,
  type ReportView,
  reportsList,
} from "./moderation.ts";
import { timeStamp } from "./time-stamp.ts";

/** The figures of the site, and of the server that answers. */
export type FiguresView = {
  members: number;
  visitors: number;
  sessions: number;
  rooms: number;
  reports: number;
  readers: number;
  places: number;
  waiting: number;
  memoryMb: number;
  uptimeSeconds: number;
  databaseMs: number;
};

/** A room as operators see it. `events` is its last seq. */
export type RoomRow = {
  slug: string;
  title: string;
  public: boolean;
  members: number;
  events: number;
  reports: number;
  lastAt: string | null;
};

/** The people of one network, with the room in which each is. */
export type NetworkView = { network: string; count: number; people: { id: string; nickname: string; room: string }[] };

/** The emergency switches. */
export type SwitchesView = { readOnly: boolean; noNewRooms: boolean; speakAfterMinutes: number };

/** The operators' page. */
export type OperateView = {
  figures: FiguresView;
  activity: ActivityView[];
  switches: SwitchesView;
  reports: ReportView[];
  rooms: RoomRow[];
  networks: NetworkView[];
  bans: BanView[];
  log: ModerationEntryView[];
  next?: number | undefined;
  isDone: boolean;
  problem?: Problem | undefined;
};

/** Renders the page on which operators see and do everything. */
export function renderOperate(layout: PageLayout, view: OperateView): string {
  const { done } = wordsOf(layout.language).moderation;
  const action = OPERATE_PATH;
  const older = view.next === undefined ? undefined : `${action};before=${view.next}#moderation-log`;
  const body = html`${view.isDone && html`<p class="done" role="status">${done}</p>`}
${problemLine(layout, view.problem)}
${figures(layout, view.figures)}
${activityPlot(layout, view.activity)}
${switches(layout, view.switches)}
${reportsList(layout, view.reports, action)}
${rooms(layout, view.rooms)}
${networks(layout, view.networks)}
${bansList(layout, view.bans, action)}
${moderationLog(layout, view.log, older)}`;
  return operateDocument(layout, body, true);
}

/** Renders the page on which operators sign in: by the secret, or by a link that works once. */
export function renderOperatorSignIn(
  layout: PageLayout,
  { link: token, problem }: { link?: string | undefined; problem?: Problem | undefined },
): string {
  const { operate } = wordsOf(layout.language).moderation;
  const bySecret = html`<p class="hint">${operate.signInHint}</p>
${textField({ name: "secret", label: operate.secret, type: "password" })}`;
  const byLink = html`<p>${operate.useLink}</p><input type="hidden" name="link" value="${token}">`;
  const body = html`<h2>${operate.signIn}</h2>
<form id="sign-in" class="tool-form" method="post" action="${link(layout.basePath + OPERATE_PATH)}">
${formToken(layout)}${problemLine(layout, problem)}
${token === undefined ? bySecret : byLink}
<p class="change-buttons"><button class="button" type="submit">${operate.enter}</button></p>
</form>`;
  return operateDocument(layout, body, false);
}

/** Renders the page of one network: its people, and the forms that ban or erase all of them. */
export function renderNetwork(
  layout: PageLayout,
  { network, problem }: { network: NetworkView; problem?: Problem | undefined },
): string {
  const { operate, acts } = wordsOf(layout.language).moderation;
  const { people } = operate;
  const action = link(layout.basePath + networkPath(network.network));
  const items = network.people.map(
    (person) => html`<li>${personLink(layout, person)} <span class="hint">${person.room}</span></li>\n`,
  );
  const body = html`<h2>${people.network} <code>${network.network}</code></h2>
${problemLine(layout, problem)}
<p>${fill(people.lead, { n: network.count })}</p>
<ul class="tool-list">${items}</ul>
<form id="ban" class="tool-group" method="post" action="${action}">
${formToken(layout)}${banFields(layout)}
</form>
<form id="erase-all" class="tool-group" method="post" action="${action}">
${formToken(layout)}<h3>${acts.eraseAll}</h3>
<p class="hint">${people.eraseHint}</p>
<p class="change-buttons"><button class="button quiet" type="submit" name="act" value="erase-all">${acts.eraseAll}</button></p>
</form>
<p><a class="button quiet" href="${link(layout.basePath + OPERATE_PATH)}">${operate.title}</a></p>`;
  return operateDocument(layout, body, true);
}

function operateDocument(layout: PageLayout, body: Html, isSignedIn: boolean): string {
  const { operate } = wordsOf(layout.language).moderation;
  const signOut =
    isSignedIn &&
    html`<form method="post" action="${link(layout.basePath + OPERATE_PATH)}">${formToken(layout)}<button class="button quiet" type="submit" name="signOut" value="1">${operate.signOut}</button></form>`;
  const content = html`<header class="bar">
${homeLink(layout)}
<h1 class="bar-title"><a href="${link(layout.basePath + OPERATE_PATH)}">${operate.title}</a></h1>
<nav class="bar-end">${signOut}${languageSwitch(layout)}</nav>
</header>
<main id="operate" class="tool wide">
${body}
</main>`;
  return renderDocument(layout, { name: "tool-page", title: operate.title, usesTools: true, body: content });
}

function figures(layout: PageLayout, view: FiguresView): Html {
  const { now, figures: names, units } = wordsOf(layout.language).moderation.operate;
  const hours = Math.floor(view.uptimeSeconds / 3600);
  const uptime =
    hours < 2 ? fill(units.minutes, { n: Math.floor(view.uptimeSeconds / 60) }) : fill(units.hours, { n: hours });
  const shown: [string, string][] = [
    [names.people, grouped(view.members)],
    [names.watching, grouped(view.visitors)],
    [names.sessions, grouped(view.sessions)],
    [names.rooms, grouped(view.rooms)],
    [names.reports, grouped(view.reports)],
    [names.readers, `${grouped(view.readers)} / ${grouped(view.places)}`],
    [names.waiting, grouped(view.waiting)],
    [names.database, fill(units.milliseconds, { n: Math.ceil(view.databaseMs) })],
    [names.memory, fill(units.mebibytes, { n: grouped(view.memoryMb) })],
    [names.uptime, uptime],
  ];
  const items = shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`);
  return html`<section id="load" class="tool-group">
<h2>${now}</h2>
<dl class="figures-list">${items}</dl>
</section>`;
}

function switches(layout: PageLayout, { readOnly, noNewRooms, speakAfterMinutes }: SwitchesView): Html {
  const words = wordsOf(layout.language).moderation.operate.switches;
  const isAnyOn = readOnly || noNewRooms || speakAfterMinutes > 0;
  return html`<form id="switches" class="tool-group${isAnyOn && " alarm"}" method="post" action="${link(layout.basePath + OPERATE_PATH)}">
<h2>${words.title}</h2>
${formToken(layout)}
${tickField({ name: "readOnly", label: words.readOnly, isOn: readOnly })}
${tickField({ name: "noNewRooms", label: words.noNewRooms, isOn: noNewRooms })}
${numberField({ name: "speakAfterMinutes", label: words.speakAfterMinutes, value: speakAfterMinutes, max: 10_080 })}
<p class="change-buttons"><button class="button" type="submit" name="switches" value="1">${words.save}</button></p>
</form>`;
}

function rooms(layout: PageLayout, shown: RoomRow[]): Html {
  const words = wordsOf(layout.language).moderation.operate.rooms;
  const to = (path: string) => link(layout.basePath + path);
  const rows = shown.map(
    ({ slug, title, public: isPublic, members, events, reports, lastAt }) =>
      html`<tr><th scope="row" dir="auto"><a href="${to(PATHS.room(slug))}">${title}</a></th><td>${grouped(members)}</td><td>${grouped(events)}</td><td>${grouped(reports)}</td><td>${lastAt !== null && timeStamp(layout, lastAt)}</td><td>${isPublic ? "✓" : "—"}</td><td><a href="${to(settingsPath(slug))}">${words.settings}</a> <a href="${to(moderationPath(slug))}">${words.moderation}</a> <a href="${to(peoplePath(slug))}">${words.people}</a></td></tr>\n`,
  );
  const heads = [words.title, words.members, words.events, words.reports, words.last, words.listed];
  return html`<section id="operated-rooms" class="tool-group">
<h2>${words.title}</h2>
<div class="table-scroll" tabindex="0"><table>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}<td></td></tr></thead>
<tbody>
${rows}</tbody>
</table></div>
</section>`;
}

function networks(layout: PageLayout, shown: NetworkView[]): Html {
  const { operate, none } = wordsOf(layout.language).moderation;
  const words = operate.people;
  const rows = shown.map(({ network, count, people }) => {
    const names = people.map((person) => html`${personLink(layout, person)} `);
    return html`<tr><th scope="row"><code>${network}</code></th><td>${grouped(count)}</td><td>${names}</td><td><a class="button quiet small" href="${link(layout.basePath + networkPath(network))}">${words.open}</a></td></tr>\n`;
  });
  return html`<section id="networks" class="tool-group">
<h2>${words.title}</h2>
<p class="hint">${words.hint}</p>
${
  rows.length === 0
    ? html`<p>${none}</p>`
    : html`<div class="table-scroll" tabindex="0"><table>
<thead><tr><th scope="col">${words.network}</th><th scope="col">${words.count}</th><th scope="col">${words.who}</th><td></td></tr></thead>
<tbody>
${rows}</tbody>
</table></div>`
}
</section>`;
}

function personLink(layout: PageLayout, { id, nickname, room }: NetworkView["people"][number]): Html {
  const href = link(layout.basePath + personActsPath(room, id));
  return html`<a href="${href}" dir="auto">${nickname}</a>`;
}
