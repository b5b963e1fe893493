import { sealOf } from "../../protocol/graphemes.ts";
import { grouped } from "../../protocol/line.ts";
import { PATHS } from "../../protocol/paths.ts";
import { enterFields } from "./enter-fields.ts";
import { type Html, html, link } from "./html.ts";
import { figuresOf, fill, type Problem, scriptRefusals, wordsOf } from "./language.ts";
import { descriptionOf, formToken, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";
import { linkedText } from "./links.ts";
import { makeRoomForm, type NewRoomView } from "./make-room.ts";
import { timeStamp } from "./time-stamp.ts";
import type { PageWords } from "./words/ja.ts";

/** A person in the lobby. */
type LobbyPerson = { nickname: string; color: string };

/**
 * A public room in the lobby's list. `lastAt` is the time of its last message or notice, `words`
 * the beginning of its last message. `people` are some of the members.
 */
export type LobbyRoom = {
  slug: string;
  title: string;
  members: number;
  visitors: number;
  lastAt: string | null;
  people: LobbyPerson[];
  words: (LobbyPerson & { text: string }) | null;
};

/**
 * Renders the lobby: a form with a nickname and a list of rooms, and one that makes a room.
 * `problem` says why the last attempt to enter was refused, and `newRoom` what a person wanted to
 * make.
 */
export function renderLobby(
  layout: PageLayout,
  view: { rooms: LobbyRoom[]; nickname?: string; problem?: Problem; newRoom?: NewRoomView },
): string {
  const words = wordsOf(layout.language);
  const body = html`<header class="bar"><nav class="bar-end">${languageSwitch(layout)}</nav></header>
<main class="lobby">
<div class="welcome">
<h1>${layout.site.name}</h1>
<p class="tagline">${tagline(layout)}</p>
<p id="now" class="now">${figuresOf(words.now, totalOf(view.rooms))}</p>
</div>
<form id="enter" class="enter lobby-enter" method="post" action="${link(layout.basePath + PATHS.lobby)}" data-base="${link(layout.basePath)}" data-refusals="${JSON.stringify(scriptRefusals(words))}">
<div class="lobby-self">
${formToken(layout)}
${enterFields(layout, view)}
</div>
<div class="lobby-rooms">
<h2 class="rooms-title">${words.rooms}</h2>
${view.rooms.length === 0 && html`<p id="no-rooms" class="no-rooms">${words.noRooms}</p>`}
<ul id="rooms" class="rooms" data-words="${JSON.stringify(lobbyWords(layout))}">
${view.rooms.map((room) => roomItem(layout, room))}
</ul>
</div>
</form>
<details class="lobby-make"${view.newRoom && html` open`}>
<summary>${words.makeRoom.heading}</summary>
${makeRoomForm(layout, view.newRoom ?? {})}
</details>
${layout.site.rules !== undefined && rules(words, layout.site.rules)}
<p class="lobby-foot"><a href="${link(layout.basePath + PATHS.doctor)}">${words.doctor.link}</a></p>
</main>`;
  const card = { title: layout.site.name, path: PATHS.lobby };
  return renderDocument(layout, { name: "lobby-page", title: undefined, card, body });
}

/** A line of the site's own words ends between phrases, not within one. */
function tagline(layout: PageLayout): Html[] | string {
  if (layout.site.description !== undefined) return descriptionOf(layout);
  return wordsOf(layout.language).tagline.map((phrase) => html`<span>${phrase}</span>`);
}

function totalOf(rooms: LobbyRoom[]): { members: number; visitors: number } {
  const total = { members: 0, visitors: 0 };
  for (const { members, visitors } of rooms) {
    total.members += members;
    total.visitors += visitors;
  }
  return total;
}

function rules(words: PageWords, text: string): Html {
  return html`<section class="rules">
<h2>${words.rules}</h2>
<p class="rules-text" dir="auto">${linkedText(text)}</p>
</section>`;
}

/**
 * Returns what the script needs to keep the list up to date: its words, and the markup of a room
 * with `{slug}`, `{path}` and `{title}` in it. An old browser would show the content of a template.
 */
function lobbyWords(layout: PageLayout): { [name: string]: string } {
  const { roomFigures, lastAt, noMessages, nobodyHere, morePeople, now } = wordsOf(layout.language);
  const parts = {
    slug: "{slug}",
    path: "/rooms/{path}",
    title: "{title}",
    figures: "",
    words: "",
    people: "",
    last: "",
  };
  return {
    item: itemMarkup(layout, parts).toString(),
    figures: roomFigures,
    last: lastAt,
    none: noMessages,
    nobody: nobodyHere,
    more: morePeople,
    now,
  };
}

function roomItem(layout: PageLayout, room: LobbyRoom): Html {
  const words = wordsOf(layout.language);
  const { slug, title, members, words: latest, lastAt } = room;
  return itemMarkup(layout, {
    slug,
    title,
    path: PATHS.room(slug),
    isLit: members > 0,
    figures: figuresOf(words.roomFigures, room),
    words: latest === null ? "" : wordsMarkup(latest),
    people: peopleMarkup(words, room),
    last: lastAt === null ? words.noMessages : html`${words.lastAt} ${timeStamp(layout, lastAt)}`,
  });
}

/** The seal of a person stands for their nickname, which is read aloud and shown to the pointer. */
function sealMarkup({ nickname, color }: LobbyPerson): Html {
  return html`<span class="seal" data-color="${color}" data-seal="${sealOf(nickname)}" title="${nickname}"><span class="seal-name" translate="no">${nickname}</span></span>`;
}

function wordsMarkup({ color, nickname, text }: LobbyPerson & { text: string }): Html {
  return html`<span class="seal" data-color="${color}" data-seal="${sealOf(nickname)}"></span> <q class="room-said" data-color="${color}"><span class="sayer" dir="auto" translate="no">${nickname}</span> <span class="said" dir="auto">${text}</span></q>`;
}

function peopleMarkup(words: PageWords, { people, members }: LobbyRoom): Html {
  const more = members - people.length;
  if (members === 0) return html`${words.nobodyHere}`;
  return html`${people.map((person) => html`${sealMarkup(person)} `)}${more > 0 && people.length > 0 && html`<span class="room-more">${fill(words.morePeople, { n: grouped(more) })}</span>`}`;
}

/** The parts of a room in the list, as markup or text. A room with people in it is lit. */
type RoomItem = {
  slug: string;
  title: string;
  path: string;
  isLit?: boolean;
  figures: string;
  words: Html | string;
  people: Html | string;
  last: Html | string;
};

function itemMarkup(layout: PageLayout, { slug, title, path, isLit, figures, ...parts }: RoomItem): Html {
  const words = wordsOf(layout.language);
  return html`<li class="room-item${isLit && " lit"}">
<div class="room-about">
<strong class="room-title" dir="auto">${title}</strong>
<span class="room-figures">${figures}</span>
</div>
<p class="room-words">${parts.words}</p>
<p class="room-people">${parts.people}</p>
<div class="room-foot">
<span class="room-last">${parts.last}</span>
<a class="button quiet" href="${link(layout.basePath + path)}"><span class="unseen">${fill(words.watchRoom, { title })}</span>${words.watch}</a>
<button class="button" type="submit" name="room" value="${slug}"><span class="unseen">${fill(words.enterRoom, { title })}</span>${words.enter}</button>
</div>
</li>
`;
}
