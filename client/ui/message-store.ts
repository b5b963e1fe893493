import type { MessageStore, UnsentMessage } from "../core/sending/outbox.ts";
import type { Page } from "../page.ts";
import { parsed, tabStore } from "./browser-store.ts";

/**
 * Unsent messages and the nickname that they were written under. Tabs keep them under these names.
 */
type Left = { nickname: string; remarks: UnsentMessage[] };

/**
 * Returns the store of this tab's unsent messages in this room. They outlive a reload, even if the
 * server no longer knows their author. Under another nickname, or none, they are refused, so that
 * the author decides whether to send them.
 */
export function messageStore(page: Page): MessageStore {
  const store = tabStore(`chattera:outbox:${page.room}`);
  return {
    load() {
      const { nickname, remarks: messages } = (parsed(store.load()) || { remarks: [] }) as Left;
      if (page.present && nickname === page.me.nickname) return messages;
      return messages.map((message) => ({ code: "no_session", ...message, state: "refused" }));
    },
    save(messages) {
      const left: Left = { nickname: page.me.nickname, remarks: messages };
      store.save(messages.length === 0 ? "" : JSON.stringify(left));
    },
  };
}
