import { createIgnored, type Ignored, readIgnored } from "../ignored.ts";
import { browserStore, parsed } from "./browser-store.ts";

/** Returns the people whom the reader ignores at a site, in all tabs of the browser. */
export function openIgnored(base: string): Ignored {
  const key = `chattera:ignored:${base}`;
  const store = browserStore(key);
  const ignored = createIgnored({
    load: () => parsed(store.load()),
    save: (people) => store.save(JSON.stringify(people)),
  });
  // Storage that is cleared names no key.
  window.addEventListener("storage", (event) => (event.key === key || event.key === null) && readIgnored(ignored));
  // A page in the browser's cache hears of no change.
  window.addEventListener("pageshow", ({ persisted }) => persisted && readIgnored(ignored));
  return ignored;
}
