/** One text that outlives the page. */
export type TextStore = { load(): string; save(text: string): void };

/** A place for a text in this tab's own storage: it outlives a reload. */
export function tabStore(key: string): TextStore {
  return textStore(() => sessionStorage, key);
}

/** A place for a text in the browser's storage: it outlives the tab, and all tabs have it. */
export function browserStore(key: string): TextStore {
  return textStore(() => localStorage, key);
}

/** Where the browser allows no storage, or none any more, nothing is kept and nothing fails. */
function textStore(storage: () => Storage, key: string): TextStore {
  return {
    load() {
      try {
        return storage().getItem(key) ?? "";
      } catch {
        return "";
      }
    },
    save(text) {
      try {
        if (text === "") storage().removeItem(key);
        else storage().setItem(key, text);
      } catch {
        // [Safari, private] storage may be full or forbidden: what is in memory stays there
        return;
      }
    },
  };
}

/** What a text says as JSON; `undefined` if it is none. */
export function parsed(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
