import { environment } from "../environment.ts";
import { figuresOf, followLobby, type LobbyWords, type RoomInLobby, roomMarkup } from "../lobby.ts";
import { http } from "../transports/fetch.ts";
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
    { hidden: () => document.hidden, show: (rooms) => showRooms(list, words, rooms) },
  );
  const look = () => document.hidden || lobby.wake();
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
}

function slugOf(item: Element): string {
  return item.querySelector("button")?.value || "";
}

function append(list: HTMLElement, markup: string): Element {
  list.insertAdjacentHTML("beforeend", markup);
  return list.lastElementChild as Element;
}

function showRoom(item: Element, words: LobbyWords, room: RoomInLobby): void {
  const [figures, last] = [".room-figures", ".room-last"].map((name) => item.querySelector(name) as HTMLElement);
  const text = figuresOf(words, room);
  if (figures && figures.textContent !== text) figures.textContent = text;
  if (last) showLast(last, words, room.lastAt);
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
