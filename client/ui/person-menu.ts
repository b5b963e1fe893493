import { personActsPath } from "../../protocol/tool-paths.ts";
import { ignores, setIgnored } from "../ignored.ts";
import { mentionOf } from "../mention.ts";
import type { Page } from "../page.ts";
import { fill } from "../words.ts";
import { openActDialog } from "./act-dialog.ts";
import type { Composer } from "./composer.ts";
import { memberOf } from "./line-tools.ts";
import { type MenuItem, toggleMenu } from "./menu.ts";

/** The parts of the page that the menu of a person uses. Visitors have no composer. */
export type PersonMenuUse = { composer: Composer | undefined; rename(): void };

/** Lets the button of each person in a list open their menu. */
export function openPersonMenus(list: HTMLElement, page: Page, use: PersonMenuUse): void {
  list.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>(".menu-button") : null;
    const person = button?.closest<HTMLElement>(".person");
    if (button && person) toggleMenu(button, itemsOf(person, page, use), document.body);
  });
}

function itemsOf(person: HTMLElement, page: Page, { composer, rename }: PersonMenuUse): MenuItem[] {
  const { words, me, ignored } = page;
  const member = memberOf(person);
  const { nickname } = member;
  if (member.id === me.id) return [{ label: words.rename, run: rename }];
  const isIgnored = ignores(ignored, member);
  const items: MenuItem[] = [];
  if (composer) {
    items.push({ label: words.mention, run: () => composer.insert((before) => mentionOf(nickname, before)) });
    items.push({ label: words.whisper, run: () => composer.whisper(nickname) });
  }
  items.push({
    label: page.moderates ? words.moderate : words.report,
    run: () => openActDialog(page, personActsPath(page.room, member.id)),
  });
  items.push({
    label: fill(isIgnored ? words.stopIgnoringName : words.ignore, { nickname }),
    className: "ignore",
    run: () => setIgnored(ignored, member, !isIgnored),
  });
  return items;
}
