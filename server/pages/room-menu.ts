import { PATHS } from "../../protocol/paths.ts";
import { moderationPath, settingsPath } from "../../protocol/tool-paths.ts";
import { type Html, html, link } from "./html.ts";
import { wordsOf } from "./language.ts";
import type { PageLayout } from "./layout.ts";

/** The room of a menu, and the other rooms that the reader is in. */
export type RoomMenuView = {
  room: { slug: string; title: string; isPublic: boolean };
  ownRooms: { slug: string; title: string }[];
  role?: ModeratingRole | undefined;
};

/** The roles that configure or moderate a room. */
export type ModeratingRole = "owner" | "moderator" | "operator";

/**
 * Renders a room's title with a menu below it: the room's address, and the other rooms that the
 * reader is in. The script adds those of this browser. Text browsers get the title and the links.
 */
export function roomMenu(layout: PageLayout, { room, ownRooms, role }: RoomMenuView): Html {
  const words = wordsOf(layout.language).roomMenu;
  const title = html`<h1 class="bar-title" dir="auto">${room.title}</h1>`;
  const links = ownRooms.map(
    ({ slug, title }) =>
      html`<li><a href="${link(layout.basePath + PATHS.room(slug))}" data-slug="${slug}"><span dir="auto">${title}</span></a></li>\n`,
  );
  if (!layout.canOpen)
    return html`${title}${role && roleLinks(layout, room.slug, role)}${links.length > 0 && html`<ul class="own-rooms">${links}</ul>`}`;
  return html`<details id="room-menu" class="room-menu" data-has-new="${words.hasNew}">
<summary aria-label="${room.title}: ${words.open}">${title}</summary>
<div class="room-panel">
${addressField(layout, room.slug, "room-address")}
<p class="hint">${room.isPublic ? words.listed : words.byLink}</p>
${role && roleLinks(layout, room.slug, role)}
<div class="own-rooms"${links.length === 0 && " hidden"}>
<h2>${words.rooms}</h2>
<ul id="own-rooms">
${links}</ul>
</div>
<p><a href="${link(layout.basePath + PATHS.lobby)}">${words.lobby}</a></p>
</div>
</details>`;
}

/** Renders the links of those who configure or moderate the room. */
function roleLinks(layout: PageLayout, slug: string, role: ModeratingRole): Html {
  const { roomState } = wordsOf(layout.language).moderation;
  const to = (path: string) => link(layout.basePath + path);
  return html`<div class="role-links">
<p class="hint">${roomState.yourRole[role]}</p>
<p><a href="${to(settingsPath(slug))}">${roomState.configure}</a></p>
<p><a href="${to(moderationPath(slug))}">${roomState.moderation}</a></p>
</div>`;
}

/** Renders what an empty room shows in place of its messages. */
export function emptyRoom(layout: PageLayout, slug: string): Html {
  const words = wordsOf(layout.language).emptyRoom;
  return html`<div id="empty-room" class="empty-room">
<p class="empty-title">${words.title}</p>
<p>${words.lead}</p>
<p>${words.invite}</p>
${addressField(layout, slug, "invitation")}
</div>`;
}

/** The script shows the button, which shares or copies the address. Without it, one copies it. */
function addressField(layout: PageLayout, slug: string, id: string): Html {
  const words = wordsOf(layout.language).roomMenu;
  const address = `${layout.origin}${layout.basePath}${PATHS.room(slug)}`;
  return html`<p class="share"><input id="${id}" class="share-address" value="${address}" readonly aria-label="${words.address}"><button class="button quiet share-button" type="button" data-copied="${words.copied}" hidden>${words.share}</button></p>`;
}
