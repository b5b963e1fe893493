import { createKeeper, type Keeper, type KeeperOptions, type TabRecord } from "../core/sending/keeper.ts";
import { environment } from "../environment.ts";
import type { Page } from "../page.ts";
import { createStore, PREFIX } from "./store.ts";

/**
 * Opens the keeper of this tab's unsent messages and draft in a room. They are in this browser's
 * storage, and outlive the tab.
 */
export function openMessageStore(page: Page, use: Pick<KeeperOptions, "found" | "foundDraft" | "lost">): Keeper {
  const store = createStore("localStorage");
  const tab = createStore("sessionStorage");
  const prefix = `left_${page.room}_`;
  const newKey = () => {
    const name = environment.random().toString(36).slice(2);
    // [IE6, 7] Without it, each page is like a new tab, which takes over what the last one left.
    tab.save("tab", name);
    return prefix + name;
  };
  const known = tab.load("tab");
  const keeper = createKeeper({
    environment,
    shelf: {
      keys: () => store.names(prefix),
      load: (key) => store.load(key) as TabRecord | undefined,
      save: store.save,
    },
    key: typeof known === "string" ? prefix + known : newKey(),
    newKey,
    me: () => ({ id: page.me.id, nickname: page.me.nickname, isPresent: page.present }),
    ...use,
  });
  // [IE8] Its event has no key.
  window.onstorage = (event) => {
    const key = event?.key || "";
    if (key.indexOf(PREFIX + prefix) === 0) keeper.noteChange(key.slice(PREFIX.length));
  };
  return keeper;
}
