import { sealOf } from "../../protocol/graphemes.ts";
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
import { http } from "../transports/fetch.ts";
import { fill } from "../words.ts";
import { showTime } from "./local-time.ts";

/**
 * Keeps the list of rooms up to date. Rooms stay where they are, and new ones come last, so that
 * neither the pointer nor the keyboard's focus is suddenly on another one. Nothing of it is read
 * aloud. Returns a function that ends it.
 */
export function openLobby(list: HTMLElement, base: string): () => void {
  const words = JSON.parse(list.dataset.words || "{}") as LobbyWords;
  const lobby = followLobby(
    { environment, http, address: { base } },
    { hidden: isHidden, show: (rooms) => showRooms(list, words, rooms) },
  );
  const look = () => isHidden() || lobby.wake();
  document.addEventListener("visibilitychange", look);
  for (const name of ["online", "pageshow"]) window.addEventListener(name, look);
  return () => {
    lobby.close();
    document.removeEventListener("visibilitychange", look);
    for (const name of ["online", "pageshow"]) window.removeEventListener(name, look);
  };
}

function showRooms(list: HTMLElement, words: LobbyWords, rooms: RoomInLobby[]): void {
  const gone = new Map([...list.children].map((item) => [slugOf(item), item]));
  for (const room of rooms) {
    showRoom(gone.get(room.slug) || append(list, roomMarkup(words, room)), words, room);
    gone.delete(room.slug);
  }
  for (const item of gone.values()) if (!item.contains(document.activeElement)) item.remove();
  if (rooms.length > 0) document.getElementById("no-rooms")?.remove();
  const now = document.getElementById("now");
  if (now !== null) now.textContent = totalOf(words, rooms);
}

function slugOf(item: Element): string {
  return item.querySelector("button")?.value || "";
}

function append(list: HTMLElement, markup: string): Element {
  list.insertAdjacentHTML("beforeend", markup);
  return list.lastElementChild as Element;
}

function showRoom(item: Element, words: LobbyWords, room: RoomInLobby): void {
  const { members, people, words: latest } = room;
  const [figures, last, said, here] = [".room-figures", ".room-last", ".room-words", ".room-people"].map(
    (name) => item.querySelector(name) as HTMLElement,
  );
  item.classList.toggle("lit", members > 0);
  const text = figuresOf(words, room);
  if (figures && figures.textContent !== text) figures.textContent = text;
  if (last) showLast(last, words, room.lastAt);
  if (said && latest !== undefined)
    said.replaceChildren(...(latest === null ? [] : [emptySeal(latest), " ", quote(latest)]));
  if (here && people !== undefined) {
    const more = members - people.length;
    const seals = people.flatMap((person) => [sealFor(person), " "]);
    here.replaceChildren(
      ...(members === 0 ? [words.nobody] : seals),
      ...(more > 0 && people.length > 0 ? [create("span", "room-more", fill(words.more, { n: more }))] : []),
    );
  }
}

/** As the server makes it: the seal of a person stands for their nickname. */
function sealFor(person: PersonInLobby): HTMLElement {
  const seal = emptySeal(person);
  seal.title = person.nickname;
  seal.append(asItIs(create("span", "seal-name", person.nickname)));
  return seal;
}

function emptySeal({ nickname, color }: PersonInLobby): HTMLElement {
  const seal = create("span", "seal", "");
  Object.assign(seal.dataset, { color, seal: sealOf(nickname) });
  return seal;
}

function quote({ nickname, color, text }: PersonInLobby & { text: string }): HTMLElement {
  const quoted = create("q", "room-said", "");
  quoted.dataset.color = color;
  const [sayer, said] = [asItIs(create("span", "sayer", nickname)), create("span", "said", text)];
  for (const one of [sayer, said]) one.dir = "auto";
  quoted.append(sayer, " ", said);
  return quoted;
}

function asItIs(element: HTMLElement): HTMLElement {
  element.translate = false;
  return element;
}

function create(tag: string, className: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function showLast(element: HTMLElement, words: LobbyWords, lastAt: string | null): void {
  if (lastAt === null) {
    element.textContent = words.none;
    return;
  }
  let time = element.querySelector("time");
  if (time === null) {
    time = document.createElement("time");
    element.replaceChildren(`${words.last} `, time);
  }
  // Also if it is the same moment: it may be of yesterday by now.
  time.dateTime = lastAt;
  showTime(time);
}
