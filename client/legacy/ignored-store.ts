import { createIgnored, type Ignored, readIgnored } from "../ignored.ts";
import { createStore } from "./store.ts";

const NAME = "ignored";

/** Returns the people whom the reader ignores at a site, in all windows of the browser. */
export function openIgnored(): Ignored {
  const store = createStore("localStorage");
  return createIgnored({ load: () => store.load(NAME), save: (people) => store.save(NAME, people) });
}

/** Reads the list again when another window may have changed it. */
export function watchIgnored(ignored: Ignored): void {
  const { onstorage, onfocus } = window;
  window.onstorage = (event) => {
    if (onstorage) onstorage(event);
    readIgnored(ignored);
  };
  // [IE6, 7] Their storage reports no change.
  window.onfocus = () => {
    if (onfocus) onfocus();
    readIgnored(ignored);
  };
}
