import type { Remark, RemarkStore } from "../core/sending/outbox.ts";
import { parsed, tabStore } from "./browser-store.ts";
import type { Page } from "./page.ts";

/** Unsent messages and under which nickname they were written. */
type Left = { nickname: string; remarks: Remark[] };

/**
 * Unsent messages of this tab in this room. They outlive a reload, also one after which the server does not know the
 * writer any more; but under another nickname, or none, nothing is sent that was not said under it: the writer decides.
 */
export function remarkStore(page: Page): RemarkStore {
  const store = tabStore(`chattera:outbox:${page.room}`);
  return {
    load() {
      const { nickname, remarks } = (parsed(store.load()) ?? { remarks: [] }) as Left;
      if (page.present && nickname === page.me.nickname) return remarks;
      return remarks.map((remark) => ({ code: "no_session", ...remark, state: "refused" }));
    },
    save(remarks) {
      const left: Left = { nickname: page.me.nickname, remarks };
      store.save(remarks.length === 0 ? "" : JSON.stringify(left));
    },
  };
}
