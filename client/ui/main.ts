import { afterLoad } from "./browser.ts";
import { parsed } from "./browser-store.ts";
import { openConversation } from "./conversation.ts";
import { openEnterForm } from "./enter-form.ts";
import { becomeMember } from "./kept-session.ts";
import { keepAboveKeyboard } from "./keyboard.ts";
import { showLocalTimes } from "./local-time.ts";
import { readPage } from "./page.ts";

showLocalTimes(document);

const room = document.getElementById("room");
if (room !== null) {
  keepAboveKeyboard(room);
  const page = readPage(room);
  becomeMember(page);
  const form = document.getElementById("enter") as HTMLFormElement | null;
  const { base } = page.address;
  if (form !== null) openEnterForm(form, { base, room: page.room, refusals: page.words.refusals });
  afterLoad(openConversation(page));
} else {
  const form = document.getElementById("enter") as HTMLFormElement | null;
  if (form !== null) {
    const refusals = (parsed(form.dataset.refusals ?? "") ?? {}) as { [code: string]: string };
    openEnterForm(form, { base: form.dataset.base ?? "", refusals });
  }
}
