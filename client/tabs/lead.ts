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

type LeadOptions = { environment: Environment; channel: Channel; locks: Locks | undefined };

type LeadState = LeadOptions & {
  role: "joining" | "leads" | "follows" | "left";
  since: number;
  lock: Lock | undefined;
  changed(isMine: boolean): void;
  stopTimer(): void;
  stopListening(): void;
};

/**
 * Joins the tabs. Calls back when it is decided whether this tab leads, and whenever that changes.
 * A tab that asks and gets no answer leads. Of two tabs that both believe to lead, the later one
 * does.
 *
 * [Web Locks] If the browser has them, the leader holds one and the others queue for it, so the
 * browser itself picks the next one when the leader is closed or crashes. On http origins there are
 * none, and a guest notices by its questions.
 */
export function createLead(options: LeadOptions, changed: (isMine: boolean) => void): Lead {
  const { environment, channel, locks } = options;
  const state: LeadState = {
    ...options,
    role: "joining",
    since: 0,
    lock: undefined,
    changed,
    stopTimer: environment.later(ANSWER_MS, () => claim(state)),
    stopListening() {},
  };
  state.lock = locks && createLock(locks, channel.name, { got: () => become(state), lost: () => stepDown(state) });
  state.stopListening = channel.listen((message) => hear(state, message));
  channel.post({ say: "who leads?" });
  state.lock?.queue();
  return { claim: () => claim(state), leave: () => leave(state) };
}

function hear(state: LeadState, message: TabMessage): void {
  const { environment, channel, lock, role, since } = state;
  if (message.say === "who leads?" && role === "leads") channel.post({ say: "lead", at: since });
  if (message.say === "lead") defer(state, message);
  if (message.say === "gone" && role === "follows") {
    // Not all tabs at once. With locks, the next one has the lead by then.
    state.stopTimer = environment.later(lock ? ANSWER_MS : environment.random() * ANSWER_MS, () => claim(state));
  }
}

function defer(state: LeadState, { at, from: tab }: { at: number; from: string }): void {
  const { channel, since } = state;
  if (state.role === "leads") {
    if (at > since || (at === since && tab > channel.tab)) stepDown(state);
    else channel.post({ say: "lead", at: since });
    return;
  }
  state.stopTimer();
  if (state.role === "joining") follow(state);
}

function claim(state: LeadState): void {
  if (state.role === "leads" || state.role === "left") return;
  state.stopTimer();
  if (state.lock) state.lock.steal();
  else become(state);
}

function become(state: LeadState): void {
  if (state.role === "leads" || state.role === "left") return;
  state.stopTimer();
  state.role = "leads";
  state.since = state.environment.now();
  state.channel.post({ say: "lead", at: state.since });
  state.changed(true);
}

function stepDown(state: LeadState): void {
  if (state.role !== "leads") return;
  state.lock?.letGo();
  state.lock?.queue();
  follow(state);
}

function follow(state: LeadState): void {
  state.role = "follows";
  state.changed(false);
}

function leave(state: LeadState): void {
  if (state.role === "left") return;
  const led = state.role === "leads";
  state.role = "left";
  state.stopTimer();
  state.stopListening();
  if (led) state.channel.post({ say: "gone" });
  state.lock?.letGo();
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
