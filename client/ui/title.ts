import { isHidden } from "../hidden.ts";
import { optional } from "./browser.ts";

/** Counts in the title, and on the icon, what the reader has not seen. */
export type TitleCount = {
  /** Counts another person's message if the page is hidden. */
  count(isMention: boolean): void;
};

/** [Badging API] The badge on the icon of a page that is installed as an app. */
type Badges = { setAppBadge?(count: number): Promise<void>; clearAppBadge?(): Promise<void> };

/** The count in the title, "" if there is none. */
let count = "";

/** Creates the count: `(3) Lobby`, or `(3) @1 Lobby` if one of them is a mention. */
export function createTitleCount(): TitleCount {
  count = "";
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const usualIcon = icon?.href || "";
  let unread = 0;
  let mentioned = 0;
  document.addEventListener("visibilitychange", () => isHidden() || clear());
  return {
    count(isMention) {
      if (!isHidden()) return;
      unread++;
      if (isMention) mentioned++;
      show();
    },
  };

  function clear(): void {
    if (unread === 0) return;
    unread = 0;
    mentioned = 0;
    show();
  }

  function show(): void {
    const mark = mentioned === 0 ? "" : `@${mentioned} `;
    // The room may have got another title.
    const title = document.title.slice(count.length);
    count = unread === 0 ? "" : `(${unread}) ${mark}`;
    document.title = count + title;
    if (icon?.dataset.unread) icon.href = unread === 0 ? usualIcon : icon.dataset.unread;
    const badges = navigator as Badges;
    const set = optional(() => (unread === 0 ? badges.clearAppBadge?.() : badges.setAppBadge?.(unread)));
    set?.catch(() => undefined);
  }
}

/** Replaces the room's name in the title. A room may have the name of a number. */
export function retitle(former: string, name: string): void {
  document.title = count + document.title.slice(count.length).replace(former, () => name);
}
