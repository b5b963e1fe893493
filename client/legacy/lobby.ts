import { momentText, type WallTime } from "../../protocol/moment.ts";
import { environment } from "../environment.ts";
import { isHidden } from "../hidden.ts";
import {
  figuresOf,
  followLobby,
  type LobbyWords,
  type PersonInLobby,
  type RoomInLobby,
  roomMarkup,
  totalOf,
} from "../lobby.ts";
import { fill } from "../words.ts";
import { attr, byId, remove, setText } from "./dom.ts";
import { json } from "./json.ts";
import { http } from "./xhr.ts";

type Lobby = { form: PageElement; list: PageElement; words: LobbyWords };

/** Lets each button of the lobby enter its own room, and keeps the list of rooms up to date. */
export function openLobby(form: PageElement): void {
  openButtons(form, form);
  const list = byId("rooms");
  if (list === undefined) return;
  const lobby: Lobby = { form, list, words: json.parse(attr(list, "data-words")) as LobbyWords };
  const access = { environment, http, address: { base: attr(form, "data-base") } };
  const following = followLobby(access, {
    hidden: isHidden,
    show: (rooms) => showRooms(lobby, rooms),
  });
  window.onfocus = following.wake;
  window.ononline = following.wake;
}

/**
 * [IE7] A button sends its label instead of its value, [IE6] and so do all other buttons of the
 * form. They are disabled, and a hidden field names the room.
 */
function openButtons(form: PageElement, within: PageElement): void {
  const buttons = within.getElementsByTagName("button");
  for (let i = 0; i < buttons.length; i++) openButton(form, buttons[i] as PageElement);
}

function openButton(form: PageElement, button: PageElement): void {
  const slug = attr(button, "value");
  button.onclick = () => {
    const buttons = form.getElementsByTagName("button");
    for (let i = 0; i < buttons.length; i++) (buttons[i] as PageElement).disabled = true;
    const place = form.appendChild(document.createElement("p"));
    // [IE7] A created field gets no name. A slug has none of HTML's special characters.
    place.innerHTML = `<input type="hidden" name="room" value="${slug}">`;
    form.submit();
    return false;
  };
}

/** Rooms stay where they are, and new ones come last. */
function showRooms({ form, list, words }: Lobby, rooms: RoomInLobby[]): void {
  const items = list.getElementsByTagName("li");
  for (let i = items.length - 1; i >= 0; i--) {
    const item = items[i] as PageElement;
    if (!isAmong(rooms, slugOf(item))) remove(item);
  }
  for (let i = 0; i < rooms.length; i++) {
    const room = rooms[i] as RoomInLobby;
    let item = find(items, room.slug);
    if (item === undefined) {
      const box = document.createElement("div");
      box.innerHTML = `<ul>${roomMarkup(words, room)}</ul>`;
      item = list.appendChild(box.getElementsByTagName("li")[0] as PageElement);
      openButtons(form, item);
    }
    showRoom(item, words, room);
  }
  const none = byId("no-rooms");
  if (none !== undefined && rooms.length > 0) remove(none);
  const now = byId("now");
  if (now !== undefined) setText(now, totalOf(words, rooms));
}

function isAmong(rooms: RoomInLobby[], slug: string): boolean {
  for (let i = 0; i < rooms.length; i++) if (rooms[i]?.slug === slug) return true;
  return false;
}

function find(items: List<PageElement>, slug: string): PageElement | undefined {
  for (let i = 0; i < items.length; i++) if (slugOf(items[i] as PageElement) === slug) return items[i];
  return undefined;
}

function slugOf(item: PageElement): string {
  const button = item.getElementsByTagName("button")[0];
  return button === undefined ? "" : attr(button, "value");
}

function showRoom(item: PageElement, words: LobbyWords, room: RoomInLobby): void {
  const spans = item.getElementsByTagName("span");
  for (let i = 0; i < spans.length; i++) {
    const span = spans[i] as PageElement;
    if (span.className === "room-figures") setText(span, figuresOf(words, room));
    if (span.className === "room-last")
      setText(span, room.lastAt === null ? words.none : `${words.last} ${localTime(room.lastAt)}`);
  }
  const paragraphs = item.getElementsByTagName("p");
  for (let i = 0; i < paragraphs.length; i++) {
    const paragraph = paragraphs[i] as PageElement;
    const { words: latest } = room;
    if (paragraph.className === "room-words") setText(paragraph, latest ? `${latest.nickname}: ${latest.text}` : "");
    if (paragraph.className === "room-people") setText(paragraph, namesOf(words, room));
  }
}

function namesOf({ nobody, more }: LobbyWords, { members, people }: RoomInLobby): string {
  if (members === 0) return nobody;
  let names = "";
  for (let i = 0; i < people.length; i++) names += `${(people[i] as PersonInLobby).nickname} `;
  return names !== "" && members > people.length ? names + fill(more, { n: members - people.length }) : names;
}

// [IE8] Date cannot parse ISO dates.
function localTime(at: string): string {
  const figures = at.replace(/\D/g, " ").split(" ");
  const figure = (i: number) => Number(figures[i]);
  const ms = Date.UTC(figure(0), figure(1) - 1, figure(2), figure(3), figure(4));
  return momentText(wallTime(new Date(ms)), wallTime(new Date()), document.documentElement.lang);
}

function wallTime(moment: Date): WallTime {
  return {
    year: moment.getFullYear(),
    month: moment.getMonth() + 1,
    day: moment.getDate(),
    hour: moment.getHours(),
    minute: moment.getMinutes(),
  };
}
