import { afterLoad } from "./browser.ts";
import { parsed } from "./browser-store.ts";
import { openConversation } from "./conversation.ts";
import { openEnterForm } from "./enter-form.ts";
import { becomeMember } from "./kept-session.ts";
import { keepAboveKeyboard } from "./keyboard.ts";
import { showLocalTimes } from "./local-time.ts";
import { readPage } from "./page.ts";

// [Chrome 61–85, Safari 10.1–13, Firefox 60–77] These support modules, but not all that this
// program uses.
if ("replaceChildren" in Element.prototype) start();
else startLegacy();

function start(): void {
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
      const refusals = (parsed(form.dataset.refusals || "") || {}) as { [code: string]: string };
      openEnterForm(form, { base: form.dataset.base || "", refusals });
    }
  }
}

/** Loads the program for older browsers, which the page names for browsers without modules. */
function startLegacy(): void {
  const named = document.querySelector<HTMLScriptElement>("script[nomodule]");
  if (named === null) return;
  const script = document.createElement("script");
  script.src = named.src;
  document.head.append(script);
}
