import type { Channel } from "../tabs/channel.ts";
import type { TabMessage } from "../tabs/message.ts";
import { printed } from "../transports/fetch.ts";
import { optional } from "./browser.ts";
import { parsed } from "./browser-store.ts";

/**
 * Opens a channel between tabs. Returns `undefined` if the browser has none, or does not allow it,
 * as in private windows and sandboxed frames: this tab is alone then.
 */
export function openChannel(name: string): Channel | undefined {
  return optional(() =>
    typeof BroadcastChannel === "undefined" ? openStorageChannel(name) : openBroadcastChannel(name),
  );
}

function openBroadcastChannel(name: string): Channel {
  const broadcast = new BroadcastChannel(name);
  const listeners = createListeners();
  broadcast.onmessage = ({ data }) => listeners.call(data as TabMessage);
  // A tab that hears the others and cannot answer would take the lead from them for ever.
  broadcast.postMessage({});
  return channelOf(name, listeners, {
    post: (message) => broadcast.postMessage(message),
    close: () => broadcast.close(),
  });
}

// [Safari < 15.4] Every other tab is notified of a value that changes. The value itself is of no
// use.
function openStorageChannel(name: string): Channel {
  const listeners = createListeners();
  let posted = 0;
  const onStorage = ({ key, newValue }: StorageEvent) => {
    if (key === name && newValue) listeners.call((parsed(newValue) ?? {}) as TabMessage);
  };
  localStorage.setItem(name, "");
  window.addEventListener("storage", onStorage);
  return channelOf(name, listeners, {
    // With the number, a message that is posted twice is two values.
    post: (message) => localStorage.setItem(name, printed({ ...message, number: posted++ })),
    close: () => window.removeEventListener("storage", onStorage),
  });
}

function channelOf(
  name: string,
  { listen }: Listeners,
  way: { post(message: TabMessage): void; close(): void },
): Channel {
  const tab = Math.random().toString(36).slice(2);
  let isOpen = true;
  return {
    name,
    tab,
    post(word) {
      if (isOpen) optional(() => way.post({ ...word, from: tab } as TabMessage));
    },
    listen,
    close() {
      isOpen = false;
      way.close();
    },
  };
}

type Listeners = { listen: Channel["listen"]; call(message: TabMessage): void };

function createListeners(): Listeners {
  const listeners = new Set<(message: TabMessage) => void>();
  return {
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    call(message) {
      for (const listener of [...listeners]) if (listeners.has(listener)) listener(message);
    },
  };
}
