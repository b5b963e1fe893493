import type { Member } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import { become } from "../become.ts";
import { type Conversation, say } from "../core/conversation.ts";
import { changeMessage } from "../core/sending/change.ts";
import type { Keeper } from "../core/sending/keeper.ts";
import { type Sender, signal } from "../core/sending/send.ts";
import type { Scroll } from "../face.ts";
import type { Page } from "../page.ts";
import type { SharedSession } from "../tabs/shared-session.ts";
import { type Composer, createComposer } from "./composer.ts";
import { createIgnoredList } from "./ignored-list.ts";
import { renewSession } from "./kept-session.ts";
import { connectLogKeys } from "./log-keys.ts";
import { openMessageMenus } from "./message-menu.ts";
import { connectNames } from "./names.ts";
import { isNewestOnTop } from "./order.ts";
import { part } from "./part.ts";
import { openPersonMenus } from "./person-menu.ts";
import { connectQuotes } from "./quotes.ts";
import { toggleRenameForm } from "./rename-form.ts";

/** The parts of the page that acting in a room needs. */
export type ActsUse = { conversation: Conversation<SharedSession>; scroll: Scroll; keeper: Keeper };

/**
 * Lets the reader act in the room: write, answer, edit and erase, name people, ignore them, and
 * take another name. Returns the composer, unless the reader is a visitor.
 */
export function openActs(page: Page, use: ActsUse): Composer | undefined {
  const [log, members] = [part("log"), part("members")];
  const form = document.getElementById("say");
  const composer = form === null ? undefined : speak(form as HTMLFormElement, page, use);
  const { sender } = use.conversation;
  const rename = () => toggleRenameForm(page, sender, (member) => becomeRenamed(page, member));
  openMessageMenus(page, { composer, erase: (seq) => erase(page, sender, seq) });
  openPersonMenus(members, page, { composer, rename });
  if (composer) connectNames(part("room"), composer, { id: page.me.id, rename });
  connectQuotes(log);
  connectLogKeys(log);
  createIgnoredList(page, members.parentElement as HTMLElement);
  return composer;
}

function speak(form: HTMLFormElement, page: Page, { conversation, scroll, keeper }: ActsUse): Composer {
  const { room, words } = page;
  const { sender } = conversation;
  return createComposer(form, words, {
    draft: { load: keeper.draft, save: keeper.saveDraft },
    say(text, reply) {
      say(conversation, text, reply);
      scroll.toNewest();
    },
    edit: (seq, text, done) =>
      changeMessage(sender, { room, seq, text }, (outcome) =>
        done("refused" in outcome ? words.refusals[outcome.refused] || words.notChanged : undefined),
      ),
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
  return [...new Set(newestFirst(".own:not(.erased):not(.whisper) .text").map(({ textContent }) => textContent || ""))];
}

function newestFirst(selector: string): Element[] {
  const found = Array.from(part("log").querySelectorAll(selector));
  return isNewestOnTop() ? found : found.reverse();
}

function erase({ room, words }: Page, sender: Sender, seq: number): void {
  changeMessage(sender, { room, seq }, (outcome) => {
    if ("refused" in outcome) showProblem(words.refusals[outcome.refused] || words.notChanged);
  });
}

/** Shows above the field that something went wrong. */
function showProblem(sentence: string): void {
  document.getElementById("problem")?.remove();
  const problem = document.createElement("p");
  Object.assign(problem, { id: "problem", className: "problem" });
  problem.setAttribute("role", "alert");
  part("say").prepend(problem);
  // An alert is read aloud when its text is set.
  problem.textContent = sentence;
}

function becomeRenamed(page: Page, member: Member): void {
  const { base, token } = page.address;
  become(page, member);
  if (token !== undefined) renewSession(base, { member, token });
}
