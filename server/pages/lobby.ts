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
${view.rooms.length === 0 && html`<p id="no-rooms" class="hint">${words.noRooms}</p>`}
<ul id="rooms" class="rooms" data-words="${JSON.stringify(lobbyWords(layout))}">
${view.rooms.map((room) => roomItem(layout, { ...room, path: PATHS.room(room.slug), ...textsOf(layout, room) }))}
</ul>
</form>
<p class="lobby-foot"><a href="${link(layout.basePath + PATHS.doctor)}">${words.doctor.link}</a></p>
</main>`;
  return renderDocument(layout, { name: "lobby-page", title: `chattera — ${words.tagline.join("")}`, body });
}

/**
 * Returns what the script needs to keep the list up to date: its words, and the markup of a room
 * with `{slug}`, `{path}` and `{title}` in it. An old browser would show the content of a template.
 */
function lobbyWords(layout: PageLayout): { [name: string]: string } {
  const { roomFigures, lastAt, noMessages } = wordsOf(layout.language);
  const empty = { slug: "{slug}", path: "/rooms/{path}", title: "{title}", figures: "", last: "" };
  return { item: roomItem(layout, empty).toString(), figures: roomFigures, last: lastAt, none: noMessages };
}

function textsOf(layout: PageLayout, room: LobbyRoom): { figures: string; last: Html | string } {
  const words = wordsOf(layout.language);
  const last = room.lastAt === null ? words.noMessages : html`${words.lastAt} ${timeStamp(layout, room.lastAt)}`;
  return { figures: figuresOf(words.roomFigures, room), last };
}

type RoomItem = { slug: string; title: string; path: string; figures: string; last: Html | string };

function roomItem(layout: PageLayout, { slug, title, path, figures, last }: RoomItem): Html {
  const words = wordsOf(layout.language);
  return html`<li class="room-item">
<div class="room-about">
<strong class="room-title" dir="auto">${title}</strong>
<span class="room-figures">${figures}</span>
<span class="room-last">${last}</span>
</div>
<a class="button quiet" href="${link(layout.basePath + path)}"><span class="unseen">${fill(words.watchRoom, { title })}</span>${words.watch}</a>
<button class="button" type="submit" name="room" value="${slug}"><span class="unseen">${fill(words.enterRoom, { title })}</span>${words.enter}</button>
</li>
`;
}
