import type { Environment } from "../core/base/environment.ts";
import type { Channel } from "./channel.ts";
import type { TabMessage } from "./message.ts";

// A tab answers within milliseconds. One that is just being painted may take this long, and taking
// the lead from it does no harm.
const ANSWER_MS = 300;

/** Decides which of the tabs leads: at most one, and never none for long. */
export type Lead = {
  /** Takes the lead from a tab that does not answer, or that is hidden. */
  claim(): void;
  /** The page is left or frozen. */
  leave(): void;
};

/** The part of the browser's `navigator.locks` that is needed. */
export type Locks = {
  request(name: string, options: LockOptions, use: () => Promise<void>): Promise<unknown>;
};

type LockOptions = { steal: true } | { signal: AbortSignal };

/**
 * Joins the tabs. Calls back when it is decided whether this tab leads, and whenever that changes.
 * A tab that asks and gets no answer leads. Of two tabs that both believe to lead, the later one
 * does.
 *
 * [Web Locks] If the browser has them, the leader holds one and the others queue for it, so the
 * browser itself picks the next one when the leader is closed or crashes. On http origins there are
 * none, and a guest notices by its questions.
 */
export function createLead(
  { environment, channel, locks }: { environment: Environment; channel: Channel; locks: Locks | undefined },
  changed: (isMine: boolean) => void,
): Lead {
  let role: "joining" | "leads" | "follows" | "left" = "joining";
  let since = 0;
  let stopTimer = environment.later(ANSWER_MS, claim);
  const lock = locks && createLock(locks, channel.name, { got: become, lost: stepDown });
  const stopListening = channel.listen(hear);
  channel.post({ say: "who leads?" });
  lock?.queue();

  return {
    claim,
    leave() {
      if (role === "left") return;
      const led = role === "leads";
      role = "left";
      stopTimer();
      stopListening();
      if (led) channel.post({ say: "gone" });
      lock?.letGo();
    },
  };

  function hear(message: TabMessage): void {
    if (message.say === "who leads?" && role === "leads") channel.post({ say: "lead", at: since });
    if (message.say === "lead") defer(message.at, message.from);
    if (message.say === "gone" && role === "follows") {
      // Not all tabs at once. With locks, the next one has the lead by then.
      stopTimer = environment.later(lock ? ANSWER_MS : environment.random() * ANSWER_MS, claim);
    }
  }

  function defer(at: number, tab: string): void {
    if (role === "leads") {
      if (at > since || (at === since && tab > channel.tab)) stepDown();
      else channel.post({ say: "lead", at: since });
      return;
    }
    stopTimer();
    if (role === "joining") follow();
  }

  function claim(): void {
    if (role === "leads" || role === "left") return;
    stopTimer();
    if (lock) lock.steal();
    else become();
  }

  function become(): void {
    if (role === "leads" || role === "left") return;
    stopTimer();
    role = "leads";
    since = environment.now();
    channel.post({ say: "lead", at: since });
    changed(true);
  }

  function stepDown(): void {
    if (role !== "leads") return;
    lock?.letGo();
    lock?.queue();
    follow();
  }

  function follow(): void {
    role = "follows";
    changed(false);
  }
}

type Lock = { queue(): void; steal(): void; letGo(): void };

/** Creates the lock of the lead. Calls back when this tab has got it, and when it has lost it. */
function createLock(locks: Locks, name: string, { got, lost }: { got(): void; lost(): void }): Lock {
  let leaveQueue = new AbortController();
  let drop = () => {};

  function hold(options: LockOptions): void {
    let isWanted = true;
    let release: (() => void) | undefined;
    const mine = () => {
      isWanted = false;
      release?.();
    };
    // It may be granted in the moment in which it is given up.
    const use = async () => {
      if (!isWanted) return;
      await new Promise<void>((resolve) => {
        release = resolve;
        got();
      });
    };
    drop = mine;
    // [privacy extensions] It may also throw at once.
    const request = async () => locks.request(name, options, use);
    request().catch(() => {
      if (drop !== mine || !isWanted) return;
      if (release !== undefined) lost();
      // [sandboxed frames] If locks are not allowed at all, the tabs do without.
      else if ("steal" in options) got();
    });
  }

  return {
    queue() {
      leaveQueue = new AbortController();
      hold({ signal: leaveQueue.signal });
    },
    steal() {
      leaveQueue.abort();
      hold({ steal: true });
    },
    letGo() {
      leaveQueue.abort();
      drop();
    },
  };
}
