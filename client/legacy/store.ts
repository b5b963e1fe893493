import { json } from "./json.ts";

/** Values that outlive the page, by name. If the browser does not allow that, they are not kept. */
export type Store = { load(name: string): unknown; save(name: string, value: unknown): void };

const PREFIX = "chattera_";

/**
 * Creates a store in the browser, for all tabs or for this one. [IE6, 7] They have another kind,
 * for the pages of one folder.
 */
export function createStore(area: "localStorage" | "sessionStorage"): Store {
  const { get, set } = storage(area) || userData(area) || { get: () => "", set() {} };
  return {
    load(name) {
      try {
        return json.parse(get(PREFIX + name) || "");
      } catch (_isNothing) {
        return undefined;
      }
    },
    save(name, value) {
      try {
        set(PREFIX + name, json.print(value));
      } catch (_isFull) {
        // The page keeps the value in memory.
        return;
      }
    },
  };
}

type Storage = { get(key: string): string | null; set(key: string, text: string): void };

function storage(area: "localStorage" | "sessionStorage"): Storage | undefined {
  try {
    const box = window[area];
    return box && { get: (key) => box.getItem(key), set: (key, text) => box.setItem(key, text) };
  } catch (_isForbidden) {
    return undefined;
  }
}

// [IE5–9] An element that keeps its attributes. Saving one overwrites all values of another with
// the same name.
function userData(area: string): Storage | undefined {
  const box = document.body.appendChild(document.createElement("div"));
  try {
    box.addBehavior?.("#default#userData");
    box.load(area);
  } catch (_hasNone) {
    return undefined;
  }
  return {
    get: (key) => box.getAttribute(key),
    set(key, text) {
      box.setAttribute(key, text);
      box.save(area);
    },
  };
}
