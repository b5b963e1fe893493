import type { Channel } from "../tabs/channel.ts";
import type { TabMessage } from "../tabs/message.ts";

/** Opens a channel between tabs. Returns `undefined` if the browser has none. */
export function openChannel(name: string): Channel | undefined {
  try {
    return typeof BroadcastChannel === "undefined" ? openStorageChannel(name) : openBroadcastChannel(name);
  } catch {
    // [private windows, sandboxed frames] A channel that is not allowed throws. This tab is alone
    // then.
    return undefined;
  }
}

function openBroadcastChannel(name: string): Channel {
  const broadcast = new BroadcastChannel(name);
  const listeners = createListeners();
  broadcast.onmessage = ({ data }) => listeners.call(data as TabMessage);
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
    if (key === name && newValue) listeners.call(JSON.parse(newValue) as TabMessage);
  };
  localStorage.setItem(name, "");
  window.addEventListener("storage", onStorage);
  return channelOf(name, listeners, {
    // With the number, a message that is posted twice is two values.
    post: (message) => localStorage.setItem(name, JSON.stringify({ ...message, number: posted++ })),
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
      if (isOpen) way.post({ ...word, from: tab } as TabMessage);
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
