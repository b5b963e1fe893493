import { json } from "./json.ts";

/** Values that outlive the page, by name. If the browser does not allow that, they are not kept. */
export type Store = {
  load(name: string): unknown;
  /** Saves a value, or removes it. */
  save(name: string, value: unknown): void;
  /** Returns the names that begin with a text. */
  names(prefix: string): string[];
};

type Storage = {
  get(key: string): string | null;
  set(key: string, text: string): void;
  remove(key: string): void;
  keys(): string[];
};

/** The beginning of all names in the browser. */
export const PREFIX = "chattera_";

/**
 * Creates a store in the browser, for all tabs or for this one. [IE6, 7] They have only one for all
 * tabs, of another kind, for the pages of one folder.
 */
export function createStore(area: "localStorage" | "sessionStorage"): Store {
  const storage = storageOf(area) || (area === "localStorage" ? userData(area) : undefined);
  return {
    load: (name) => attempt(() => storage && json.parse(storage.get(PREFIX + name) || "")),
    save(name, value) {
      attempt(() => {
        if (value === undefined) storage?.remove(PREFIX + name);
        else storage?.set(PREFIX + name, json.print(value));
      });
    },
    names: (prefix) => attempt(() => storage && namesOf(storage, PREFIX + prefix)) || [],
  };
}

// Nothing is stored, or storage is forbidden or full: the page keeps its values in memory.
function attempt<Value>(run: () => Value): Value | undefined {
  try {
    return run();
  } catch (_isForbidden) {
    return undefined;
  }
}

function namesOf(storage: Storage, prefix: string): string[] {
  const keys = storage.keys();
  const names: string[] = [];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (key.indexOf(prefix) === 0) names.push(key.slice(PREFIX.length));
  }
  return names;
}

function storageOf(area: "localStorage" | "sessionStorage"): Storage | undefined {
  const box = attempt(() => window[area]);
  return (
    box && {
      get: (key) => box.getItem(key),
      set: (key, text) => box.setItem(key, text),
      remove: (key) => box.removeItem(key),
      keys() {
        const keys: string[] = [];
        for (let i = 0; i < box.length; i++) keys.push(box.key(i) as string);
        return keys;
      },
    }
  );
}

// [IE5–9] An element that keeps its attributes. They are loaded each time, since saving one
// overwrites what other tabs have saved.
function userData(area: string): Storage | undefined {
  const box = document.body.appendChild(document.createElement("div"));
  const load = () => box.load(area);
  const change = (run: () => void) => {
    load();
    run();
    box.save(area);
  };
  const isThere = attempt(() => {
    if (box.addBehavior) box.addBehavior("#default#userData");
    load();
    return true;
  });
  if (!isThere) return undefined;
  return {
    get(key) {
      load();
      return box.getAttribute(key);
    },
    set: (key, text) => change(() => box.setAttribute(key, text)),
    remove: (key) => change(() => box.removeAttribute(key)),
    keys() {
      load();
      const keys: string[] = [];
      const { attributes } = box.XMLDocument.documentElement;
      for (let i = 0; i < attributes.length; i++) keys.push((attributes[i] as { nodeName: string }).nodeName);
      return keys;
    },
  };
}
