import type { Member } from "../../protocol/event.ts";
import { TITLE_LENGTH } from "../../protocol/limits.ts";
import { AUDIENCES, type RoomSettings } from "../../protocol/room-settings.ts";
import { moderationPath, settingsPath } from "../../protocol/tool-paths.ts";
import { webhooksPage } from "../../protocol/webhook-paths.ts";
import { APPOINTED } from "./acts.ts";
import { problemLine } from "./enter-fields.ts";
import { choiceField, linesField, numberField, textField, tickField } from "./form-fields.ts";
import { type Html, html, link } from "./html.ts";
import { type Problem, wordsOf } from "./language.ts";
import { formToken, type PageLayout } from "./layout.ts";
import { renderRoomDocument, roomLink } from "./room-document.ts";

/** Somebody with a role in a room, by member id or by trip. */
export type RoleView = { kind: string; value: string; role: string; nickname?: string | undefined };

/** A room's settings page. `members` are people who can be appointed. */
export type SettingsPageView = {
  room: { slug: string; title: string };
  /** The settings; absent if the reader may not change them. */
  settings?: RoomSettings | undefined;
  roles: RoleView[];
  members: Member[];
  /** Operators may remove the room, unless it belongs to the site. */
  mayRemove?: boolean;
  problem?: Problem | undefined;
  isSaved?: boolean;
};

/** Renders the page that changes a room's settings, which is a form in every browser. */
export function renderRoomSettings(layout: PageLayout, view: SettingsPageView): string {
  const { moderation } = wordsOf(layout.language);
  const { room, settings } = view;
  const body = html`${view.isSaved && html`<p class="done" role="status">${moderation.settings.saved}</p>`}
${problemLine(layout, view.problem)}
${settings && settingsForm(layout, room.slug, settings)}
${people(layout, view)}
${settings && ownerKeyForm(layout, room.slug)}
${view.mayRemove && removeForm(layout, room.slug)}
<p class="change-buttons">${settings && html`<a class="button quiet" href="${link(layout.basePath + webhooksPage(room.slug))}">${moderation.webhooks.title}</a> `}<a class="button quiet" href="${link(layout.basePath + moderationPath(room.slug))}">${moderation.roomState.moderation}</a></p>
${roomLink(layout, room.slug, moderation.backToRoom)}`;
  return renderRoomDocument(layout, { room, title: moderation.settings.title, body, id: "settings-page" });
}

function settingsForm(layout: PageLayout, slug: string, settings: RoomSettings): Html {
  const action = link(layout.basePath + settingsPath(slug));
  return html`<form id="room-settings" class="tool-form" method="post" action="${action}">
${formToken(layout)}
${about(layout, settings)}
${access(layout, settings)}
${pace(layout, settings)}
${history(layout, settings)}
<p class="change-buttons"><button class="button" type="submit" name="save" value="1">${wordsOf(layout.language).moderation.settings.save}</button></p>
</form>`;
}

/** Renders the button that makes a new owner key, for when the former one is lost or known. */
function ownerKeyForm(layout: PageLayout, slug: string): Html {
  const words = wordsOf(layout.language).moderation.settings;
  return html`<form id="new-key" class="tool-group" method="post" action="${link(layout.basePath + settingsPath(slug))}">
${formToken(layout)}<p class="hint">${words.newKeyHint}</p>
<p class="change-buttons"><button class="button quiet" type="submit" name="newKey" value="1">${words.newKey}</button></p>
</form>`;
}

function removeForm(layout: PageLayout, slug: string): Html {
  const words = wordsOf(layout.language).moderation.settings;
  return html`<form id="remove-room" class="tool-group alarm" method="post" action="${link(layout.basePath + settingsPath(slug))}">
<h3>${words.remove}</h3>
${formToken(layout)}<p class="hint">${words.removeHint}</p>
${tickField({ name: "sure", label: words.removeSure, isOn: false })}
<p class="change-buttons"><button class="button" type="submit" name="remove" value="1">${words.remove}</button></p>
</form>`;
}

function group(legend: string, fields: Html): Html {
  return html`<fieldset class="tool-group">
<legend>${legend}</legend>
${fields}</fieldset>`;
}

function about(layout: PageLayout, settings: RoomSettings): Html {
  const words = wordsOf(layout.language).moderation.settings;
  return group(
    words.about,
    html`${textField({ name: "title", label: words.roomTitle, value: settings.title, length: 2 * TITLE_LENGTH })}
${linesField({ name: "description", label: words.description, value: settings.description, rows: 2 })}
${linesField({ name: "pinned", label: words.pinned, value: settings.pinned, rows: 2 })}`,
  );
}

function access(layout: PageLayout, settings: RoomSettings): Html {
  const words = wordsOf(layout.language).moderation.settings;
  const options = AUDIENCES.map((who) => [who, words.who[who]] as const);
  return group(
    words.access,
    html`${tickField({ name: "listed", label: words.listed, isOn: settings.listed })}
${textField({ name: "password", label: words.password, type: "password", hint: words.passwordHint })}
${settings.password && tickField({ name: "removePassword", label: words.removePassword, isOn: false })}
${choiceField({ name: "mayRead", label: words.mayRead, value: settings.mayRead, options })}
${choiceField({ name: "mayEnter", label: words.mayEnter, value: settings.mayEnter, options })}
${choiceField({ name: "maySpeak", label: words.maySpeak, value: settings.maySpeak, options })}
${tickField({ name: "silentEntry", label: words.silentEntry, isOn: settings.silentEntry })}`,
  );
}

function pace(layout: PageLayout, settings: RoomSettings): Html {
  const words = wordsOf(layout.language).moderation.settings;
  return group(
    words.pace,
    html`${tickField({ name: "locked", label: words.locked, isOn: settings.locked })}
${numberField({ name: "slowSeconds", label: words.slowSeconds, value: settings.slowSeconds, max: 3600 })}
${tickField({ name: "autoSlow", label: words.autoSlow, isOn: settings.autoSlow })}
${numberField({ name: "newcomerSeconds", label: words.newcomerSeconds, value: settings.newcomerSeconds, max: 86_400 })}
${tickField({ name: "links", label: words.links, isOn: settings.links })}
${linesField({ name: "blockedWords", label: words.blockedWords, value: settings.blockedWords.join("\n") })}`,
  );
}

function history(layout: PageLayout, settings: RoomSettings): Html {
  const words = wordsOf(layout.language).moderation.settings;
  return group(
    words.history,
    html`${numberField({
      name: "historyForNewcomers",
      label: words.historyForNewcomers,
      value: settings.historyForNewcomers,
      hint: words.historyHint,
      max: 1_000,
    })}
${numberField({ name: "keepDays", label: words.keepDays, value: settings.keepDays, hint: words.keepDaysHint, max: 3_650 })}`,
  );
}

/**
 * Renders the people with a role, and the forms that appoint and dismiss. Moderators, who change no
 * settings, approve people.
 */
function people(layout: PageLayout, { room, settings, roles, members }: SettingsPageView): Html {
  const { settings: words, roles: names } = wordsOf(layout.language).moderation;
  const action = link(layout.basePath + settingsPath(room.slug));
  const named = names as { [role: string]: string };
  const items = roles.map(({ kind, value, role, nickname }) => {
    const dismiss =
      (role === "approved" || (settings && role !== "owner")) &&
      html` <form class="inline-form" method="post" action="${action}">${formToken(layout)}<input type="hidden" name="${kind}" value="${value}"><input type="hidden" name="role" value=""><button class="button quiet small" type="submit">${words.dismiss}</button></form>`;
    return html`<li><span class="role-name" dir="auto">${nickname ?? value}</span> <span class="hint">${named[role] ?? role}</span>${dismiss}</li>\n`;
  });
  return html`<section class="tool-group" aria-labelledby="roles-title">
<h3 id="roles-title">${words.people}</h3>
${items.length === 0 ? html`<p class="hint">${words.nobody}</p>` : html`<ul class="tool-list">${items}</ul>`}
${appointForm(layout, { action, members, roles: settings ? APPOINTED : ["approved"] })}
</section>`;
}

type Appointing = { action: Html; members: Member[]; roles: readonly (typeof APPOINTED)[number][] };

function appointForm(layout: PageLayout, { action, members, roles }: Appointing): Html {
  const { settings: words, roles: names } = wordsOf(layout.language).moderation;
  const people = members.map(({ id, nickname, trip }) => [id, `${nickname} ${trip ?? ""}`.trim()] as const);
  return html`<form id="appoint" class="tool-form" method="post" action="${action}">
${formToken(layout)}<p class="hint">${words.peopleHint}</p>
${choiceField({ name: "member", label: words.member, value: "", options: [["", words.choose], ...people] })}
${textField({ name: "trip", label: words.trip })}
${choiceField({ name: "role", label: words.role, value: "moderator", options: roles.map((role) => [role, names[role]] as const) })}
<p class="change-buttons"><button class="button quiet" type="submit">${words.appoint}</button></p>
</form>`;
}
