/** One text that outlives the page. */
export type TextStore = { load(): string; save(text: string): void };

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
        return storage().getItem(key) || "";
      } catch {
        return "";
      }
    },
    save(text) {
      try {
        if (text === "") storage().removeItem(key);
        else storage().setItem(key, text);
      } catch {
        // [Safari, private] Storage may be full or forbidden. The page keeps the text in memory.
        return;
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
