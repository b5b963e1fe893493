import type { Remark, RemarkStore } from "../core/outbox.ts";

/** One text that outlives a reload of this tab. */
export type TextStore = { load(): string; save(text: string): void };

/** A place for a text in this tab's own storage; where the browser allows none, it is just not kept. */
export function textStore(key: string): TextStore {
  return {
    load() {
      try {
        return sessionStorage.getItem(key) ?? "";
      } catch {
        return "";
      }
    },
    save(text) {
      try {
        if (text === "") sessionStorage.removeItem(key);
        else sessionStorage.setItem(key, text);
      } catch {
        // [Safari, private] storage may be full or forbidden: the text stays in the field and in memory
        return;
      }
    },
  };
}

/** Unsent remarks in a text; what is not readable any more is nothing. */
export function remarkStore(store: TextStore): RemarkStore {
  return {
    load() {
      try {
        return JSON.parse(store.load() || "[]") as Remark[];
      } catch {
        return [];
      }
    },
    save: (remarks) => store.save(remarks.length === 0 ? "" : JSON.stringify(remarks)),
  };
}
