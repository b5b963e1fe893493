import { afterLoad } from "./browser.ts";
import { openConversation } from "./conversation.ts";
import { rememberEntry } from "./enter-form.ts";
import { keepAboveKeyboard } from "./keyboard.ts";
import { showLocalTimes } from "./local-time.ts";
import { readPage } from "./page.ts";

showLocalTimes(document);

const enterForm = document.getElementById("enter");
if (enterForm !== null) rememberEntry(enterForm as HTMLFormElement);

const room = document.getElementById("room");
if (room !== null) {
  keepAboveKeyboard(room);
  const start = openConversation(readPage(room));
  afterLoad(start);
}
