import { printed } from "../transports/fetch.ts";
import { lasting } from "./browser.ts";
import { browserStore, parsed } from "./browser-store.ts";

/** The messages of others that cause a sound, or a notification. */
export type AlertChoice = "off" | "mentions" | "all";

/** The choices of a reader, for all rooms of a site in this browser. */
export type AlertChoices = { sound: AlertChoice; notify: AlertChoice };

/** The stored choices. */
export type ChoiceStore = {
  read(): AlertChoices;
  write(changed: Partial<AlertChoices>): void;
  /** Calls back when another tab has changed them. */
  onChange(run: () => void): void;
};

/** Opens the reader's choices. `base` is the site's. */
export function openChoices(base: string): ChoiceStore {
  const key = `chattera:alerts:${base}`;
  const store = browserStore(key);
  let choices = readChoices(store.load());
  const listeners: (() => void)[] = [];
  window.addEventListener(
    "storage",
    (event) => {
      if (event.key !== key) return;
      choices = readChoices(store.load());
      for (const run of listeners) run();
    },
    lasting(),
  );
  return {
    read: () => choices,
    write(changed) {
      choices = { ...choices, ...changed };
      store.save(printed(choices));
    },
    onChange: (run) => listeners.push(run),
  };
}

function readChoices(text: string): AlertChoices {
  const { sound, notify } = (parsed(text) || {}) as Partial<AlertChoices>;
  return { sound: choiceOf(sound), notify: choiceOf(notify) };
}

function choiceOf(value: unknown): AlertChoice {
  return value === "all" || value === "mentions" ? value : "off";
}
