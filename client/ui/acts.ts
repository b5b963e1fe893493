import { PATHS } from "../../protocol/paths.ts";
import { type Conversation, say } from "../core/conversation.ts";
import type { Keeper } from "../core/sending/keeper.ts";
import { signal } from "../core/sending/send.ts";
import type { Scroll } from "../face.ts";
import type { Page } from "../page.ts";
import type { SharedSession } from "../tabs/shared-session.ts";
import { type Composer, createComposer } from "./composer.ts";
import { createIgnoredList } from "./ignored-list.ts";
import { connectLogKeys } from "./log-keys.ts";
import { openMessageMenus } from "./message-menu.ts";
import { connectNames } from "./names.ts";
import { isNewestOnTop } from "./order.ts";
import { part } from "./part.ts";
import { openPersonMenus } from "./person-menu.ts";

/** The parts of the page that acting in a room needs. */
export type ActsUse = { conversation: Conversation<SharedSession>; scroll: Scroll; keeper: Keeper };

/**
 * Lets the reader act in the room: write, name people and ignore them. Returns the composer, unless
 * the reader is a visitor.
 */
export function openActs(page: Page, use: ActsUse): Composer | undefined {
  const [log, members] = [part("log"), part("members")];
  const form = document.getElementById("say");
  const composer = form === null ? undefined : speak(form as HTMLFormElement, page, use);
  openMessageMenus(page, composer);
  openPersonMenus(members, page, composer);
  if (composer) connectNames(part("room"), composer, page.me.id);
  connectLogKeys(log);
  createIgnoredList(page, members.parentElement as HTMLElement);
  return composer;
}

function speak(form: HTMLFormElement, page: Page, { conversation, scroll, keeper }: ActsUse): Composer {
  const { room, words } = page;
  const { sender } = conversation;
  return createComposer(form, words, {
    draft: { load: keeper.draft, save: keeper.saveDraft },
    say(text) {
      say(conversation, text);
      scroll.toNewest();
    },
    typing: () => signal(sender, PATHS.typing(room)),
    names,
    ownTexts,
  });
}

/** Returns the names of others, those who wrote last first. */
function names(): string[] {
  const others = ":not(.own):not(.ignored)";
  const authors = newestFirst(`.message${others} > .nickname`);
  const people = part("members").querySelectorAll(`.person${others} .nickname`);
  return [...new Set([...authors, ...people].map(({ textContent }) => textContent || ""))];
}

function ownTexts(): string[] {
  return [...new Set(newestFirst(".own:not(.erased) .text").map(({ textContent }) => textContent || ""))];
}

function newestFirst(selector: string): Element[] {
  const found = Array.from(part("log").querySelectorAll(selector));
  return isNewestOnTop() ? found : found.reverse();
}
