import { isHidden } from "../hidden.ts";
import type { Page } from "../page.ts";
import { optional } from "./browser.ts";
import { browserStore, roomKey, type TextStore } from "./browser-store.ts";

// A tab that is looked at says so again and again, because one that crashes cannot take it back.
const SAID_AGAIN_MS = 20_000;
const BELIEVED_MS = 45_000;

/** Decides which of the tabs that show a room makes its sounds and notifications. */
export type AlertTurn = {
  isLookedAt(): boolean;
  /** Whether this tab alerts its reader to the event with this seq. */
  isMine(seq: number): boolean;
  /** Leaves the alerts to other tabs, for good. */
  leave(): void;
};

/**
 * Creates the turn of this tab. The tab that the reader looks at alerts, else the one that holds
 * the room's lock. No timer decides, since those of a hidden page may run once a minute only.
 */
export function createAlertTurn(page: Page): AlertTurn {
  const looked = browserStore(roomKey("looked-at", page));
  const alerted = browserStore(roomKey("alerted", page));
  const lock = watchLock(roomKey("alerts", page));
  sayWhenLookedAt(looked);
  return {
    isLookedAt,
    isMine(seq) {
      if (isLookedAt()) return true;
      const since = Date.now() - Number(looked.load());
      if (since >= 0 && since < BELIEVED_MS) return false;
      return lock ? lock.isHeld() : isFirst(alerted, seq);
    },
    leave: () => lock?.leave(),
  };
}

function isLookedAt(): boolean {
  return !isHidden() && optional(() => document.hasFocus()) !== false;
}

function sayWhenLookedAt(looked: TextStore): void {
  let isSaid = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = () => {
    clearTimeout(timer);
    if (isLookedAt()) {
      isSaid = true;
      looked.save(String(Date.now()));
      timer = setTimeout(say, SAID_AGAIN_MS);
    } else if (isSaid) unsay();
  };
  // The tab that is looked at next says so after this one has taken it back.
  const unsay = () => {
    isSaid = false;
    clearTimeout(timer);
    looked.save("");
  };
  document.addEventListener("visibilitychange", say);
  window.addEventListener("focus", say);
  window.addEventListener("blur", say);
  window.addEventListener("pageshow", say);
  window.addEventListener("pagehide", () => isSaid && unsay());
  say();
}

/**
 * Queues for a lock. Returns `undefined` if the browser has no locks. [Web Locks] On http origins
 * there are none.
 */
function watchLock(name: string): { isHeld(): boolean; leave(): void } | undefined {
  const locks = optional(() => navigator.locks);
  if (!locks) return undefined;
  let isHeld = false;
  let isOver = false;
  let letGo = () => {};
  const queue = () => {
    const leaveQueue = new AbortController();
    letGo = () => leaveQueue.abort();
    const hold = () => {
      isHeld = true;
      return new Promise<void>((done) => {
        letGo = done;
      });
    };
    // [sandboxed frames] If locks are not allowed at all, this tab takes itself for the only one.
    const request = async () => locks.request(name, { signal: leaveQueue.signal }, hold);
    request().catch(() => {
      isHeld = !leaveQueue.signal.aborted;
    });
  };
  queue();
  // A page that holds a lock is not kept in the back-forward cache.
  const leave = () => {
    isHeld = false;
    letGo();
  };
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", (event) => event.persisted && !isOver && queue());
  return {
    isHeld: () => isHeld,
    leave() {
      isOver = true;
      leave();
    },
  };
}

/** Whether no other tab has claimed the event yet. Claims it. */
function isFirst(alerted: TextStore, seq: number): boolean {
  if (Number(alerted.load()) >= seq) return false;
  alerted.save(String(seq));
  return true;
}
