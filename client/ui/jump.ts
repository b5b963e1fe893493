import { PATHS } from "../../protocol/paths.ts";
import type { Access } from "../core/base/access.ts";
import { param } from "../core/base/address.ts";
import { type HistoryAround, readAround } from "../core/history.ts";
import type { MessageList, Scroll } from "../face.ts";
import { linkedSeq } from "../message-link.ts";
import type { Page } from "../page.ts";
import { withWhispers } from "../whispers.ts";
import { optional } from "./browser.ts";
import { part } from "./part.ts";

/** Leads the reader to messages of the room. The stream goes on meanwhile. */
export type Jump = {
  /** Shows the first message that was sent at a moment or later. */
  toMoment(at: Date): void;
};

/** Leads links to messages of this room to their lines, on the page and in its address. */
export function createJump(
  { room, address, places }: Page,
  access: Access,
  { list, scroll, jumped }: { list: MessageList; scroll: Scroll; jumped(): void },
): Jump {
  const path = address.base + PATHS.room(room);
  const log = part("log");
  const box = part("scroll");
  const button = part<HTMLButtonElement>("newer");
  const label = button.textContent;
  const lineOf = (seq: number) => log.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
  // Whether the line is so far up that the newest is out of sight.
  let isApart = false;

  // Not the document, which may get another page.
  document.body.addEventListener("click", follow);
  box.addEventListener("scroll", () => isApart && scroll.isAtNewest() && leave(), { passive: true });
  const marked = log.querySelector<HTMLElement>("[aria-current]");
  if (marked !== null) show(marked);
  return { toMoment: (at) => read(param("at", at.toISOString()), path) };

  function follow(event: MouseEvent): void {
    const { target, button: pressed, ctrlKey, shiftKey, altKey, metaKey } = event;
    const link = target instanceof Element ? target.closest("a") : null;
    if (link === null || event.defaultPrevented || pressed > 0 || ctrlKey || shiftKey || altKey || metaKey) return;
    const seq = linkedSeq(link.href, location.href, path);
    if (seq === 0) return;
    event.preventDefault();
    const line = lineOf(seq);
    const isGap = link.closest(".gap") !== null;
    if (line !== null && !isGap) show(line);
    else read(param("around", String(seq)), link.href, isGap);
  }

  function read(where: string, href: string, isGap = false): void {
    readAround({ access, room, readings: 0 }, where, (around) => {
      if (around === undefined) location.assign(href);
      else showAround(around, isGap);
    });
  }

  function showAround(around: HistoryAround, isGap: boolean): void {
    list.addApart(around);
    const whispers = withWhispers(places, { ...around, events: [] });
    if (whispers.length > 0) list.addOlder({ events: whispers, oldest: 0 });
    const line = around.seq === undefined ? null : lineOf(around.seq);
    // The page has an answer in words for a message that is gone.
    if (line !== null) {
      if (isGap) line.focus({ preventScroll: true });
      else show(line);
    } else if (around.seq === undefined) scroll.toNewest();
    else location.assign(`${path}/${around.seq}`);
  }

  function show(line: HTMLElement): void {
    unmark();
    line.closest("details")?.setAttribute("open", "");
    line.setAttribute("aria-current", "true");
    line.tabIndex = -1;
    jumped();
    line.focus({ preventScroll: true });
    box.scrollTop += line.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 3;
    isApart = !scroll.isAtNewest();
    if (isApart && button.hidden) {
      button.textContent = label;
      button.hidden = false;
    }
    optional(() => history.replaceState(null, "", `${path}/${line.dataset.seq}`));
  }

  function leave(): void {
    isApart = false;
    unmark();
    optional(() => history.replaceState(null, "", path));
  }

  function unmark(): void {
    for (const line of log.querySelectorAll("[aria-current]")) {
      line.removeAttribute("aria-current");
      line.classList.remove("current");
    }
  }
}
