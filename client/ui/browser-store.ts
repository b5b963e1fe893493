import type { Page } from "../page.ts";

/**
 * One text that outlives the page, if the browser allows that, and else lives as long as the page.
 * `save` returns whether the browser has kept it.
 */
export type TextStore = { load(): string; save(text: string): boolean };

/** The texts that the browser did not keep, by the key of their store. */
const inMemory = new Map<string, string>();

/** Returns the key of a room's text. Sites under several paths share the browser's storage. */
export function roomKey(kind: string, { address: { base }, room }: Pick<Page, "address" | "room">): string {
  return `chattera:${kind}:${base === "" ? "" : `${base}:`}${room}`;
}

/** Returns a store in this tab, which outlives a reload. */
export function tabStore(key: string): TextStore {
  return textStore(() => sessionStorage, key);
}

/** Returns a store in this browser, which outlives the tab and is shared by all tabs. */
export function browserStore(key: string): TextStore {
  return textStore(() => localStorage, key);
}

function textStore(storage: () => Storage, key: string): TextStore {
  return {
    load() {
      try {
        return inMemory.get(key) ?? (storage().getItem(key) || "");
      } catch {
        return "";
      }
    },
    save(text) {
      inMemory.delete(key);
      try {
        // First, since a full storage would keep the former text.
        storage().removeItem(key);
        if (text !== "") storage().setItem(key, text);
        return true;
      } catch {
        // [site data blocked, private windows] Storage may be forbidden or full.
        inMemory.set(key, text);
        return false;
      }
    },
  };
}

/** Returns the value of a JSON text; `undefined` if the text is not JSON. */
export function parsed(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
