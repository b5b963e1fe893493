import {
  createKeeper,
  type Held,
  type Keeper,
  type KeeperOptions,
  type Shelf,
  type TabRecord,
} from "../core/sending/keeper.ts";
import type { UnsentMessage } from "../core/sending/outbox.ts";
import { environment } from "../environment.ts";
import type { Page } from "../page.ts";
import { printed } from "../transports/fetch.ts";
import { lasting, optional } from "./browser.ts";
import { browserStore, parsed, roomKey, tabStore } from "./browser-store.ts";

/** The effects of what tabs have left: it is shown, and sent. */
export type LeftUse = Pick<KeeperOptions, "found" | "foundDraft" | "lost">;

/**
 * Opens the keeper of this tab's unsent messages and draft in a room. They are in this browser's
 * storage, and outlive the tab.
 */
export function openMessageStore(page: Page, use: LeftUse): Keeper {
  const prefix = `${roomKey("left", page)}:`;
  const name = tabStore("chattera:tab");
  const newKey = () => {
    const tab = Math.random().toString(36).slice(2);
    name.save(tab);
    return prefix + tab;
  };
  const known = name.load();
  const keeper = createKeeper({
    environment,
    shelf: shelfOf(prefix),
    key: known === "" ? newKey() : prefix + known,
    newKey,
    me: () => ({ id: page.me.id, nickname: page.me.nickname, isPresent: page.present }),
    // [Web Locks] On http origins there are none.
    hold: optional(() => navigator.locks) && hold,
    ...use,
  });
  window.addEventListener("storage", ({ key }) => key?.startsWith(prefix) && keeper.noteChange(key), lasting());
  return keeper;
}

function shelfOf(prefix: string): Shelf {
  return {
    keys() {
      try {
        return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
      } catch {
        // [site data blocked] Nothing was left, since nothing can be kept.
        return [];
      }
    },
    load: (key) => readRecord(browserStore(key).load()),
    save: (key, record) => browserStore(key).save(record === undefined ? "" : printed(record)),
  };
}

function hold(key: string, held: Held): void {
  const use = (lock: unknown) =>
    lock === null ? held(false, () => {}) : new Promise<void>((letGo) => held(true, letGo));
  // [sandboxed frames] If locks are not allowed at all, this tab takes itself for the only one.
  const alone = () => held(true, () => {});
  try {
    navigator.locks.request(`chattera:${key}`, { ifAvailable: true }, use).catch(alone);
  } catch {
    alone();
  }
}

/** Returns a record, unless the text is none, or an older script's. */
function readRecord(text: string): TabRecord | undefined {
  const { member, nickname, messages, draft, until } = (parsed(text) || {}) as Partial<TabRecord>;
  if (!Array.isArray(messages) || typeof until !== "number") return undefined;
  const isWhole = ({ id, text, state }: Partial<UnsentMessage>) =>
    typeof id === "string" && typeof text === "string" && !!state;
  return {
    member: String(member),
    nickname: String(nickname),
    messages: messages.filter((one: UnsentMessage | null) => one !== null && isWhole(one)),
    draft: typeof draft === "string" ? draft : "",
    until,
  };
}
