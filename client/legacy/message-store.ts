import type { MessageStore, UnsentMessage } from "../core/sending/outbox.ts";
import type { Page } from "../page.ts";
import { createStore } from "./store.ts";

/**
 * Unsent messages and the nickname that they were written under. Tabs keep them under these names.
 */
type Left = { nickname: string; remarks: UnsentMessage[] };

/**
 * Returns the store of this tab's unsent messages in this room. Under another nickname, or none,
 * they are refused, so that the author decides whether to send them.
 */
export function messageStore(page: Page): MessageStore {
  const store = createStore("sessionStorage");
  const name = `outbox_${page.room}`;
  return {
    load() {
      const { nickname, remarks: messages } = (store.load(name) || { remarks: [] }) as Left;
      if (page.present && nickname === page.me.nickname) return messages;
      for (let i = 0; i < messages.length; i++) {
        (messages[i] as UnsentMessage).state = "refused";
        (messages[i] as UnsentMessage).code = "no_session";
      }
      return messages;
    },
    save: (messages) => store.save(name, { nickname: page.me.nickname, remarks: messages }),
  };
}
