import { PATHS } from "../../protocol/paths.ts";
import { enterFields } from "./enter-fields.ts";
import { type Html, html, link } from "./html.ts";
import { figuresOf, fill, type Problem, scriptRefusals, wordsOf } from "./language.ts";
import { formToken, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";
import { timeStamp } from "./time-stamp.ts";

/** A public room in the lobby's list. `lastAt` is the time of its last message. */
export type LobbyRoom = { slug: string; title: string; members: number; visitors: number; lastAt: string | null };

/**
 * Renders the lobby: one form with a nickname and a list of rooms. `problem` says why the last
 * attempt was refused.
 */
export function renderLobby(
  layout: PageLayout,
  view: { rooms: LobbyRoom[]; nickname?: string; problem?: Problem },
): string {
  const words = wordsOf(layout.language);
  const body = html`<header class="bar"><nav class="bar-end">${languageSwitch(layout)}</nav></header>
<main class="lobby">
<div class="welcome">
<h1>chattera</h1>
<p class="tagline">${words.tagline.map((phrase) => html`<span>${phrase}</span>`)}</p>
</div>
<form id="enter" class="enter" method="post" action="${link(layout.basePath + PATHS.lobby)}" data-base="${link(layout.basePath)}" data-refusals="${JSON.stringify(scriptRefusals(words))}">
${formToken(layout)}
${enterFields(layout, view)}
<h2 class="rooms-title">${words.rooms}</h2>
${view.rooms.length === 0 && html`<p class="hint">${words.noRooms}</p>`}
<ul class="rooms">
${view.rooms.map((room) => roomItem(layout, room))}
</ul>
</form>
<p class="lobby-foot"><a href="${link(layout.basePath + PATHS.doctor)}">${words.doctor.link}</a></p>
</main>`;
  return renderDocument(layout, { name: "lobby-page", title: `chattera — ${words.tagline.join("")}`, body });
}

function roomItem(layout: PageLayout, room: LobbyRoom): Html {
  const words = wordsOf(layout.language);
  const { title } = room;
  return html`<li class="room-item">
<div class="room-about">
<strong class="room-title" dir="auto">${title}</strong>
<span class="room-figures">${figuresOf(words.roomFigures, room)}</span>
<span class="room-last">${room.lastAt === null ? words.noMessages : html`${words.lastAt} ${timeStamp(layout, room.lastAt)}`}</span>
</div>
<a class="button quiet" href="${link(layout.basePath + PATHS.room(room.slug))}"><span class="unseen">${fill(words.watchRoom, { title })}</span>${words.watch}</a>
<button class="button" type="submit" name="room" value="${room.slug}"><span class="unseen">${fill(words.enterRoom, { title })}</span>${words.enter}</button>
</li>
`;
}
