import type { Channel } from "../tabs/channel.ts";
import type { TabMessage } from "../tabs/message.ts";

/** Opens the channel; `undefined` where the browser has no way from tab to tab. */
export function openChannel(name: string): Channel | undefined {
  try {
    return typeof BroadcastChannel === "undefined" ? openStorageChannel(name) : openBroadcastChannel(name);
  } catch {
    // [private windows, sandboxed frames] what is not allowed throws: then this tab is on its own
    return undefined;
  }
}

function openBroadcastChannel(name: string): Channel {
  const broadcast = new BroadcastChannel(name);
  const ears = createEars();
  broadcast.onmessage = ({ data }) => ears.tell(data as TabMessage);
  return channelOf(
    name,
    ears,
    (message) => broadcast.postMessage(message),
    () => broadcast.close(),
  );
}

// [Safari < 15.4] A value that changes is told to all other tabs; the value itself is of no use to anybody.
function openStorageChannel(name: string): Channel {
  const ears = createEars();
  let posted = 0;
  const onStorage = ({ key, newValue }: StorageEvent) => {
    if (key === name && newValue) ears.tell(JSON.parse(newValue) as TabMessage);
  };
  localStorage.setItem(name, "");
  window.addEventListener("storage", onStorage);
  return channelOf(
    name,
    ears,
    // the number makes a word that is said twice two values
    (message) => localStorage.setItem(name, JSON.stringify({ ...message, number: posted++ })),
    () => window.removeEventListener("storage", onStorage),
  );
}

function channelOf(name: string, ears: Ears, post: (message: TabMessage) => void, end: () => void): Channel {
  const tab = Math.random().toString(36).slice(2);
  let isOpen = true;
  return {
    name,
    tab,
    post(word) {
      if (isOpen) post({ ...word, from: tab } as TabMessage);
    },
    listen: ears.listen,
    close() {
      isOpen = false;
      end();
    },
  };
}

type Ears = { listen: Channel["listen"]; tell(message: TabMessage): void };

function createEars(): Ears {
  const ears = new Set<(message: TabMessage) => void>();
  return {
    listen(hear) {
      ears.add(hear);
      return () => ears.delete(hear);
    },
    tell(message) {
      for (const hear of [...ears]) if (ears.has(hear)) hear(message);
    },
  };
}
