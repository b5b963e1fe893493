import { afterLoad, beginPage } from "./browser.ts";
import { parsed } from "./browser-store.ts";
import { openConversation } from "./conversation.ts";
import { openEnterForm } from "./enter-form.ts";
import { becomeMember } from "./kept-session.ts";
import { keepAboveKeyboard } from "./keyboard.ts";
import { openLobby } from "./lobby.ts";
import { onNewDay, showLocalTimes } from "./local-time.ts";
import { openRoomForm } from "./make-room.ts";
import { readPage } from "./page.ts";
import { openRoomMenu } from "./room-menu.ts";

// [Chrome 61–85, Safari 10.1–13, Firefox 60–77] These support modules, but not all that this
// program uses.
let closeRoom = () => {};
if ("replaceChildren" in Element.prototype) start();
else startLegacy();

/** Brings the page to life, and ends what an earlier page in this document has open. */
function start(): void {
  closeRoom();
  beginPage();
  showLocalTimes(document);
  const room = document.getElementById("room");
  const form = document.getElementById("enter") as HTMLFormElement | null;
  // The log of a room has a day above its times.
  if (room === null) onNewDay(document.body, () => showLocalTimes(document));
  if (room !== null) openRoom(room, form);
  else if (form !== null) {
    const refusals = (parsed(form.dataset.refusals || "") || {}) as { [code: string]: string };
    const base = form.dataset.base || "";
    const rooms = document.getElementById("rooms");
    openEnterForm(form, { base, refusals, run: start });
    if (rooms !== null) closeRoom = openLobby(rooms, base);
  }
  const newRoom = document.getElementById("make-room");
  if (newRoom !== null) openRoomForm(newRoom as HTMLFormElement);
  const ownerKey = document.getElementById("key") as HTMLInputElement | null;
  if (ownerKey !== null) ownerKey.value = location.hash.slice(1);
}

function openRoom(room: HTMLElement, form: HTMLFormElement | null): void {
  keepAboveKeyboard(document.body);
  const page = readPage(room);
  becomeMember(page);
  const { base } = page.address;
  if (form?.isConnected) openEnterForm(form, { base, room: page.room, refusals: page.words.refusals, run: start });
  const conversation = openConversation(page);
  openRoomMenu(page);
  closeRoom = conversation.close;
  afterLoad(conversation.start);
}

/** Loads the program for older browsers, which the page names for browsers without modules. */
function startLegacy(): void {
  const named = document.querySelector<HTMLScriptElement>("script[nomodule]");
  if (named === null) return;
  const script = document.createElement("script");
  script.src = named.src;
  document.head.append(script);
}
