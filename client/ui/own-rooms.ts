import { PATHS } from "../../protocol/paths.ts";
import type { Page } from "../page.ts";
import { browserStore, parsed } from "./browser-store.ts";

/** A room that was entered in this browser, and when it was last open, in ms since 1970. */
type OwnRoom = { slug: string; title: string; at: number };

const KEPT = 12;

/**
 * Keeps the rooms that are entered in this browser, and lists the others in the room's menu. When
 * the menu opens, those with messages since they were last open are marked, as far as the lobby
 * shows them.
 */
export function openOwnRooms(page: Page, menu: HTMLDetailsElement): void {
  const { base } = page.address;
  const store = browserStore(`chattera:rooms:${base}`);
  const list = menu.querySelector<HTMLElement>("#own-rooms");
  if (list === null) return;
  const others = () => load().filter(({ slug }) => slug !== page.room);
  const note = () => {
    if (!page.present) return;
    const own = { slug: page.room, title: menu.querySelector(".bar-title")?.textContent || page.room, at: Date.now() };
    store.save(JSON.stringify([own, ...others()].slice(0, KEPT)));
  };
  note();
  window.addEventListener("pagehide", note);
  document.addEventListener("visibilitychange", note);
  show();
  menu.addEventListener("toggle", () => menu.open && mark());

  function load(): OwnRoom[] {
    const rooms = parsed(store.load());
    return Array.isArray(rooms) ? (rooms as OwnRoom[]) : [];
  }

  function show(): void {
    for (const { slug, title } of others()) if (find(slug) === undefined) list?.append(itemFor(slug, title));
    if (list?.parentElement) list.parentElement.hidden = list.childElementCount === 0;
  }

  function find(slug: string): HTMLElement | undefined {
    return [...(list?.querySelectorAll<HTMLElement>("a") || [])].find((link) => link.dataset.slug === slug);
  }

  function itemFor(slug: string, title: string): HTMLElement {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = base + PATHS.room(slug);
    link.dataset.slug = slug;
    const name = document.createElement("span");
    name.dir = "auto";
    name.textContent = title;
    link.append(name);
    item.append(link);
    return item;
  }

  function mark(): void {
    const rooms = others();
    if (rooms.length === 0) return;
    fetch(base + PATHS.rooms)
      .then((answer) => answer.json())
      .then((answer: { rooms: { slug: string; lastAt: string | null }[] }) => {
        for (const { slug, at } of rooms) {
          const lastAt = answer.rooms.find((room) => room.slug === slug)?.lastAt;
          const link = find(slug);
          if (!link || link.lastElementChild?.className === "has-new" || !lastAt || Date.parse(lastAt) <= at) continue;
          const sign = document.createElement("span");
          sign.className = "has-new";
          sign.textContent = menu.dataset.hasNew || "";
          link.append(" ", sign);
        }
      })
      .catch(() => {});
  }
}
