import { json } from "./json.ts";

/** Values that outlive the page, by name; where the browser allows none, they are just not kept. */
export type Store = { load(name: string): unknown; save(name: string, value: unknown): void };

const PREFIX = "chattera_";

/** The browser's storage, for all tabs or for this one. [IE6, 7] have another kind, for the pages of one folder. */
export function createStore(area: "localStorage" | "sessionStorage"): Store {
  const { get, set } = storage(area) ?? userData(area) ?? { get: () => "", set() {} };
  return {
    load(name) {
      try {
        return json.parse(get(PREFIX + name) ?? "");
      } catch (_isNothing) {
        return undefined;
      }
    },
    save(name, value) {
      try {
        set(PREFIX + name, json.print(value));
      } catch (_isFull) {
        // it stays on the screen and in memory
        return;
      }
    },
  };
}

type Place = { get(key: string): string | null; set(key: string, text: string): void };

function storage(area: "localStorage" | "sessionStorage"): Place | undefined {
  try {
    const place = window[area];
    return place && { get: (key) => place.getItem(key), set: (key, text) => place.setItem(key, text) };
  } catch (_isForbidden) {
    return undefined;
  }
}

// [IE5–9] An element that keeps its attributes. What one saves, another of the same name would overwrite whole.
function userData(area: string): Place | undefined {
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
