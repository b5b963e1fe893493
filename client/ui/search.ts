import { PATHS } from "../../protocol/paths.ts";
import { textParam } from "../core/base/address.ts";
import type { Page } from "../page.ts";
import { showLocalTimes } from "./local-time.ts";
import { part } from "./part.ts";

/** The reader's search, next to the log. */
export type SearchPanel = { close(): void };

/**
 * Shows the site's search page in a part of this page, so that the reader does not leave the room.
 * Its links to messages are followed by jump.ts.
 */
export function createSearch({ room, address }: Page, toMoment: (at: Date) => void): SearchPanel {
  const path = address.base + PATHS.searchPage(room);
  const opener = document.querySelector<HTMLAnchorElement>("a.search-link");
  const panel = document.createElement("section");
  let loads = 0;
  panel.id = "search-panel";
  panel.hidden = true;
  panel.setAttribute("aria-label", opener?.textContent || "");
  part("scroll").before(panel);
  opener?.addEventListener("click", (event) => {
    if (event.button > 0 || event.ctrlKey || event.shiftKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    if (!panel.hidden) close();
    else if (panel.childElementCount > 0) open();
    else load(path);
  });
  panel.addEventListener("submit", submit);
  panel.addEventListener("click", (event) => {
    const link = (event.target as Element).closest("a");
    if (link === null || event.defaultPrevented) return;
    const isBack = link.closest(".search-back") !== null;
    if (!isBack && !link.href.includes(`${path};`)) return;
    event.preventDefault();
    if (isBack) leave();
    else load(link.href);
  });
  panel.addEventListener("keydown", ({ key }) => key === "Escape" && leave());
  return { close };

  function leave(): void {
    close();
    opener?.focus();
  }

  function open(): void {
    panel.hidden = false;
    opener?.setAttribute("aria-expanded", "true");
    panel.querySelector<HTMLInputElement>("#search-text")?.focus();
  }

  function close(): void {
    panel.hidden = true;
    opener?.setAttribute("aria-expanded", "false");
  }

  /** Loads a page of the search, and shows its body. If that fails, the browser goes there. */
  function load(url: string): void {
    const load = ++loads;
    panel.setAttribute("aria-busy", "true");
    fetchBody(url)
      .then((body) => {
        if (load !== loads) return;
        showLocalTimes(body);
        panel.replaceChildren(body);
        panel.removeAttribute("aria-busy");
        panel.querySelector("[data-zone]")?.remove();
        panel.scrollTop = 0;
        open();
      })
      .catch(() => location.assign(url));
  }

  function submit(event: SubmitEvent): void {
    const form = event.target as HTMLFormElement;
    const field = (name: string) => String(new FormData(form).get(name) || "");
    if (form.id === "download") {
      // The file has the reader's own times, as the page has.
      const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
      if (timeZone && !field("zone")) form.append(zoneField(timeZone));
      return;
    }
    event.preventDefault();
    if (form.id === "search") load(path + textParam("text", field("text")));
    else {
      const [year = 0, month = 1, day = 1] = field("at").split("-").map(Number);
      toMoment(new Date(year, month - 1, day));
    }
  }
}

function fetchBody(url: string): Promise<HTMLElement> {
  return fetch(url)
    .then((answer) => answer.text())
    .then((text) => {
      const body = new DOMParser().parseFromString(text, "text/html").getElementById("search-body");
      if (body === null) throw new TypeError("no search page");
      return body;
    });
}

function zoneField(timeZone: string): HTMLInputElement {
  const input = document.createElement("input");
  input.type = "hidden";
  input.name = "zone";
  input.value = timeZone;
  return input;
}
