import { PATHS } from "../../protocol/paths.ts";
import { setIgnored } from "../ignored.ts";
import { mentionOf } from "../mention.ts";
import type { Page } from "../page.ts";
import { fill } from "../words.ts";
import type { Composer } from "./composer.ts";
import { copyText } from "./copy-text.ts";
import { inside } from "./line.ts";
import { memberOf } from "./line-tools.ts";
import { type MenuItem, toggleMenu } from "./menu.ts";
import { part } from "./part.ts";
import { readAloud } from "./read-aloud.ts";

/** Lets the button of each message open its menu. */
export function openMessageMenus(page: Page, composer: Composer | undefined): void {
  part("log").addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>(".menu-button") : null;
    const line = button?.closest<HTMLElement>(".line");
    if (button && line) toggleMenu(button, itemsOf(line, page, composer), part("scroll"));
  });
}

function itemsOf(line: HTMLElement, page: Page, composer: Composer | undefined): MenuItem[] {
  const { words, ignored } = page;
  const seq = Number(line.dataset.seq);
  const member = memberOf(line);
  const { nickname } = member;
  const text = inside(line, "text").textContent || "";
  const isOwn = line.classList.contains("own");
  const items: MenuItem[] = [];
  const add = (label: string, run: MenuItem["run"], className?: string) =>
    items.push(className ? { label, className, run } : { label, run });
  if (composer && isOwn) add(words.again, () => composer.insert(() => text));
  add(words.copyLink, (item) => {
    copyText(new URL(`${page.address.base}${PATHS.room(page.room)}/${seq}`, location.href).href);
    item.textContent = words.copied;
    readAloud(words.copied);
    return true;
  });
  if (composer && !isOwn) add(words.mention, () => composer.insert((before) => mentionOf(nickname, before)));
  if (!isOwn) add(fill(words.ignore, { nickname }), () => setIgnored(ignored, member, true), "ignore");
  return items;
}
