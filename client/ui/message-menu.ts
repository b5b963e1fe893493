import { PATHS } from "../../protocol/paths.ts";
import { messageActsPath, whisperActsPath } from "../../protocol/tool-paths.ts";
import { setIgnored } from "../ignored.ts";
import { mentionOf } from "../mention.ts";
import type { Page } from "../page.ts";
import { fill, type ScriptWords } from "../words.ts";
import { eraseAsModerator, openActDialog } from "./act-dialog.ts";
import type { Composer } from "./composer.ts";
import { copyText } from "./copy-text.ts";
import { inside } from "./line.ts";
import { memberOf } from "./line-tools.ts";
import { type MenuItem, toggleMenu } from "./menu.ts";
import { part } from "./part.ts";
import { readAloud } from "./read-aloud.ts";

/** The parts of the page that the menu of a message uses. Visitors have no composer. */
export type MessageMenuUse = { composer: Composer | undefined; erase(seq: number): void };

const MINUTE_MS = 60_000;
// A request takes a moment.
const IN_TIME_MS = 5_000;

/** Lets the button of each message open its menu. */
export function openMessageMenus(page: Page, use: MessageMenuUse): void {
  part("log").addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>(".menu-button") : null;
    const line = button?.closest<HTMLElement>(".line");
    if (button && line) toggleMenu(button, itemsOf(line, page, use), part("scroll"));
  });
}

function itemsOf(line: HTMLElement, page: Page, use: MessageMenuUse): MenuItem[] {
  const { words, editMinutes, ignored } = page;
  const seq = Number(line.dataset.seq);
  const member = memberOf(line);
  const { nickname } = member;
  const text = inside(line, "text").textContent || "";
  const about = { seq, memberId: member.id, nickname, text };
  const isOwn = line.classList.contains("own");
  const isErased = line.classList.contains("erased");
  const isWhisper = line.classList.contains("whisper");
  // Moderators can erase a notice, and nobody answers it.
  const isNotice = line.classList.contains("notice");
  const composer = isNotice ? undefined : use.composer;
  const items: MenuItem[] = [];
  const add = (label: string, run: MenuItem["run"], className?: string) =>
    items.push(className ? { label, className, run } : { label, run });
  if (composer && !isErased && !isWhisper) add(words.reply, () => composer.begin({ ...about, kind: "reply" }));
  if (composer && isOwn && !isErased && !isWhisper) {
    if (Date.now() - Date.parse(line.dataset.at || "") < editMinutes * MINUTE_MS - IN_TIME_MS) {
      add(words.edit, () => composer.begin({ ...about, kind: "edit" }));
      items.push(eraseItem(words, () => use.erase(seq)));
    }
    add(words.again, () => composer.insert(() => text));
  }
  if (composer && !isOwn) add(words.whisper, () => composer.whisper(nickname));
  if (!isWhisper)
    add(words.copyLink, (item) => {
      copyText(new URL(`${page.address.base}${PATHS.room(page.room)}/${seq}`, location.href).href);
      item.textContent = words.copied;
      readAloud(words.copied);
      return true;
    });
  if (composer && !isOwn) add(words.mention, () => composer.insert((before) => mentionOf(nickname, before)));
  if (isWhisper && !isOwn)
    add(words.report, () => openActDialog(page, whisperActsPath(page.room, member.id, line.dataset.whisper)));
  if (!isErased && !isWhisper && (!isOwn || page.moderates)) {
    if (page.moderates && !items.some(({ label }) => label === words.erase))
      items.push(eraseItem(words, () => eraseAsModerator(page, seq)));
    add(page.moderates ? words.moderate : words.report, () => openActDialog(page, messageActsPath(page.room, seq)));
  }
  if (!isOwn && !isNotice) add(fill(words.ignore, { nickname }), () => setIgnored(ignored, member, true), "ignore");
  return items;
}

/** Asks first, since what is erased is gone. */
function eraseItem({ erase: label, eraseSure }: ScriptWords, erase: () => void): MenuItem {
  let isAsked = false;
  return {
    label,
    run(item) {
      if (isAsked) return erase();
      isAsked = true;
      item.textContent = eraseSure;
      return true;
    },
  };
}
