import { PATHS } from "../../protocol/paths.ts";
import type { Access } from "../core/base/access.ts";
import { param } from "../core/base/address.ts";
import { readAround } from "../core/history.ts";
import type { MessageList, Scroll } from "../face.ts";
import { linkedSeq } from "../message-link.ts";
import type { Page } from "../page.ts";
import { attr, part, show } from "./dom.ts";

/** Leads links to messages of this room to their lines. The stream goes on meanwhile. */
export function openJump({ room, address }: Page, access: Access, { list, scroll }: JumpViews): void {
  const path = address.base + PATHS.room(room);
  const log = part("log");
  const box = part("scroll");
  let current: PageElement | undefined;
  log.onclick = (given) => {
    const event = given || window.event;
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return undefined;
    const link = linkAround(event.target || event.srcElement, log);
    const seq = link === undefined ? 0 : linkedSeq(link.href, location.href, path);
    return seq === 0 ? undefined : follow(link as PageElement, seq);
  };
  const items = log.getElementsByTagName("li");
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as PageElement;
    if (attr(item, "aria-current") !== "") current = item;
  }
  if (current !== undefined) goTo(current);

  function follow(link: PageElement, seq: number): boolean {
    const line = lineOf(seq);
    const isGap = (link.parentNode as PageElement).className === "gap";
    if (line !== undefined && !isGap) goTo(line);
    else {
      readAround({ access, room, readings: 0 }, param("around", String(seq)), (around) => {
        if (around !== undefined) list.addApart(around);
        const found = lineOf(seq);
        if (found === undefined) location.href = link.href;
        else if (!isGap) goTo(found);
      });
    }
    return false;
  }

  function lineOf(seq: number): PageElement | undefined {
    for (let i = 0; i < items.length; i++) {
      const item = items[i] as PageElement;
      if (attr(item, "data-seq") === String(seq)) return item;
    }
    return undefined;
  }

  function goTo(line: PageElement): void {
    if (current !== undefined) {
      current.removeAttribute("aria-current");
      current.className = current.className.replace(/ current\b/, "");
    }
    current = line;
    const list = line.parentNode as PageElement;
    if (list !== log) openFold(list);
    line.className = `${line.className.replace(/ current\b/, "")} current`;
    line.setAttribute("aria-current", "true");
    line.setAttribute("tabIndex", "-1");
    line.focus();
    box.scrollTop += line.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 3;
    show(part("newer"), !scroll.isAtNewest());
  }
}

type JumpViews = { list: MessageList; scroll: Scroll };

/** Opens the run of coming and going around its lines, if it is closed. */
function openFold(list: PageElement): void {
  const link = (list.parentNode as PageElement).firstChild as PageElement;
  if (list.style.display === "none" && link.onclick) link.onclick();
}

function linkAround(target: PageElement | undefined, log: PageElement): PageElement | undefined {
  let element = target || null;
  while (element !== null && element !== log) {
    if (element.nodeName === "A") return element;
    element = element.parentNode;
  }
  return undefined;
}
