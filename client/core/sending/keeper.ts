import type { Environment } from "../base/environment.ts";
import type { MessageStore, UnsentMessage } from "./outbox.ts";

/**
 * Unsent messages and the draft of a tab, with their author. The names are those of the stored
 * JSON.
 */
export type TabRecord = {
  member: string;
  nickname: string;
  messages: UnsentMessage[];
  draft: string;
  /** The tab counts as alive until then, unless the browser knows better by a lock. */
  until: number;
};

/** The records of a room, one for each tab, which all tabs of the browser share. */
export type Shelf = {
  keys(): string[];
  load(key: string): TabRecord | undefined;
  save(key: string, record: TabRecord | undefined): void;
};

/** Whether a record is this tab's from now on, and a function that gives it up. */
export type Held = (isMine: boolean, letGo: () => void) => void;

/** The parts of a keeper. */
export type KeeperOptions = {
  environment: Environment;
  shelf: Shelf;
  /** The key of this tab's record. A copy of the tab has the same, and gets another one. */
  key: string;
  newKey(): string;
  /** The reader of the page. */
  me(): { id: string; nickname: string; isPresent: boolean };
  /**
   * Holds a record until it is given up, if no other tab holds it. The browser gives up what a tab
   * held that is gone. Without it, a tab counts as gone a while after it was last seen.
   */
  hold?: ((key: string, held: Held) => void) | undefined;
  /** Receives what this tab, or a tab that is gone, has left. */
  found(messages: UnsentMessage[]): void;
  /** Shows a draft. Returns whether it is shown, as nothing else was written meanwhile. */
  foundDraft(draft: string): boolean;
  /** Other tabs have sent what this tab left when it was put to sleep. */
  lost(): void;
};

/** Keeps what a tab has not sent, so that it outlives the tab. */
export type Keeper = {
  store: MessageStore;
  /** Returns the draft that this tab has left. */
  draft(): string;
  saveDraft(draft: string): void;
  /** Finds what was left, and keeps looking. Also after `sleep`. */
  open(): void;
  /** The page is left or frozen: another tab may take over. */
  sleep(): void;
  /** Another tab has changed a record. */
  noteChange(key: string): void;
};

// Timers of a hidden page may run once a minute only.
const LEASE_MS = 150_000;
const RENEW_MS = 50_000;
// A tab that leaves gives up its record after it has said so.
const SOON_MS = 300;
// A tab that is only reloaded is back by then, also on a slow line, and keeps its messages.
const RELOAD_MS = 5_000;
const MOST_TRIES = 5;
const FORGOTTEN_MS = 30 * 86_400_000;

type State = {
  options: KeeperOptions;
  key: string;
  record: TabRecord;
  /** Messages that are not sent before their author has entered again, by id. */
  isDoubtful: { [id: string]: boolean };
  /** Whether the record was read, so that it may be replaced. */
  isOpen: boolean;
  hadRecord: boolean;
  /** Whether it is to be opened when the record is free. */
  isWanted: boolean;
  tries: number;
  letGo: () => void;
  stopTimer: () => void;
};

/** Creates the keeper of a tab. It does nothing before it is opened. */
export function createKeeper(options: KeeperOptions): Keeper {
  const { key } = options;
  const state: State = {
    options,
    key,
    record: { member: "", nickname: "", messages: [], draft: "", until: 0 },
    isDoubtful: {},
    isOpen: false,
    hadRecord: false,
    isWanted: false,
    tries: 0,
    letGo() {},
    stopTimer() {},
  };
  return {
    store: { load: () => [], save: (messages) => saveMessages(state, messages) },
    draft: () => options.shelf.load(key)?.draft || "",
    saveDraft(draft) {
      state.record.draft = draft;
      write(state, LEASE_MS);
    },
    open() {
      state.isWanted = true;
      open(state);
    },
    sleep: () => sleep(state),
    noteChange(changed) {
      const record = changed === state.key ? undefined : options.shelf.load(changed);
      if (state.isOpen && record !== undefined && isOver(state, record)) lookIn(state, RELOAD_MS);
    },
  };
}

function open(state: State): void {
  if (state.isOpen || !state.isWanted) return;
  const { key, options } = state;
  hold(state, key, (isMine, letGo) => {
    if (state.isOpen || !state.isWanted) return letGo();
    if (!isMine) {
      const record = options.shelf.load(key);
      const isLeaving = record !== undefined && isOver(state, record);
      // The earlier page of this tab gives its record up in a moment. Otherwise, the tab was copied
      // with its key.
      if (isLeaving && ++state.tries < MOST_TRIES) options.environment.later(SOON_MS, () => open(state));
      else if (isLeaving) begin(state, letGo);
      else {
        state.key = options.newKey();
        open(state);
      }
    } else begin(state, letGo);
    return undefined;
  });
}

function begin(state: State, letGo: () => void): void {
  state.letGo = letGo;
  state.isOpen = true;
  openOwn(state);
  lookIn(state, 0);
}

/** Reads the tab's own record, which an earlier page of this tab has left. */
function openOwn(state: State): void {
  const { options, key, record, hadRecord } = state;
  const left = options.shelf.load(key);
  const { messages, draft } = record;
  if (hadRecord) {
    // Another tab has taken the record meanwhile.
    if (left === undefined) options.lost();
    else write(state, LEASE_MS);
  } else if (left !== undefined) {
    const { nickname, isPresent } = options.me();
    record.member = left.member;
    record.nickname = left.nickname;
    const isSendable = isPresent && nickname === left.nickname;
    if (draft === "") record.draft = left.draft;
    options.foundDraft(record.draft);
    if (!isSendable) for (let i = 0; i < left.messages.length; i++) doubt(state, left.messages[i] as UnsentMessage);
    options.found(left.messages);
  } else if (messages.length > 0 || draft !== "") write(state, LEASE_MS);
}

/** Turns a message into one that its author has to confirm. */
function doubt(state: State, message: UnsentMessage): void {
  if (message.state === "refused") return;
  refuse(state, message);
  state.isDoubtful[message.id] = true;
}

function refuse({ options }: State, message: UnsentMessage): void {
  message.state = "refused";
  message.code = options.me().isPresent ? undefined : "not_present";
}

function sleep(state: State): void {
  state.isWanted = false;
  if (!state.isOpen) return;
  state.stopTimer();
  write(state, 0);
  state.hadRecord = state.record.messages.length > 0;
  state.isOpen = false;
  state.letGo();
}

/** Looks for what tabs that are gone have left, soon and then every minute. */
function lookIn(state: State, ms: number): void {
  const { environment, shelf } = state.options;
  state.stopTimer();
  state.stopTimer = environment.later(ms, () => {
    lookIn(state, RENEW_MS);
    if (state.record.messages.length > 0 || state.record.draft !== "") write(state, LEASE_MS);
    const keys = shelf.keys();
    for (let i = 0; i < keys.length; i++) if (keys[i] !== state.key) takeOver(state, keys[i] as string);
  });
}

function takeOver(state: State, key: string): void {
  const { shelf } = state.options;
  const before = shelf.load(key);
  if (before !== undefined && !isForMe(state, before)) return;
  hold(state, key, (isMine, letGo) => {
    const record = shelf.load(key);
    const isLeft = record !== undefined && isOver(state, record);
    // Another tab takes it over, or the tab that leaves has not given it up yet. A browser may
    // forget to give up what a page held that it has left.
    const mustWait = !isMine && isLeft && ++state.tries < MOST_TRIES;
    if (state.isOpen && record !== undefined && (isMine || (isLeft && !mustWait))) shelf.save(key, take(state, record));
    letGo();
    if (state.isOpen && mustWait) lookIn(state, SOON_MS);
  });
}

/** Whether the record concerns this page's reader, or anybody who is in the room can send it. */
function isForMe({ options }: State, { member }: TabRecord): boolean {
  const { id, isPresent } = options.me();
  return isPresent || (id !== "" && id === member);
}

/** Takes what a tab has left. Returns what remains of it. */
function take(state: State, record: TabRecord): TabRecord | undefined {
  const { environment, me, found, foundDraft } = state.options;
  if (environment.now() - record.until > FORGOTTEN_MS) return undefined;
  const { id, nickname, isPresent } = me();
  const isSame = id === record.member;
  if (!isSame || !isPresent || nickname !== record.nickname)
    for (let i = 0; i < record.messages.length; i++) refuse(state, record.messages[i] as UnsentMessage);
  found(record.messages);
  const { draft } = record;
  if (draft === "") return undefined;
  if (!isSame || !foundDraft(draft)) return { ...record, messages: [] };
  state.record.draft = draft;
  write(state, LEASE_MS);
  return undefined;
}

function saveMessages(state: State, messages: UnsentMessage[]): void {
  const { options, record, isDoubtful } = state;
  const { id, nickname, isPresent } = options.me();
  if (isPresent) {
    record.member = id;
    record.nickname = nickname;
  }
  record.messages = [];
  for (let i = 0; i < messages.length; i++) {
    const { id: of, text, reply, state: is, code } = messages[i] as UnsentMessage;
    // Its author may still enter again.
    const waits = !isPresent && isDoubtful[of] && is === "refused";
    record.messages.push(waits ? { id: of, text, reply, state: "kept" } : { id: of, text, reply, state: is, code });
  }
  write(state, LEASE_MS);
}

/** Writes the tab's record, which is good for some time. */
function write(state: State, forMs: number): void {
  const { options, record, isOpen } = state;
  if (!isOpen) return;
  const { environment, shelf, newKey } = options;
  const isEmpty = record.messages.length === 0 && record.draft === "";
  if (isShared(state)) state.key = newKey();
  record.until = environment.now() + forMs;
  shelf.save(state.key, isEmpty ? undefined : record);
}

/** Whether a copy of this tab, made before there was a record, has written one under this key. */
function isShared(state: State): boolean {
  const { options, key, record } = state;
  // A lock belongs to one tab.
  const written = options.hold ? undefined : options.shelf.load(key);
  return written !== undefined && written.until !== record.until && !isOver(state, written);
}

function hold(state: State, key: string, held: Held): void {
  const { hold: lock, shelf } = state.options;
  if (lock) lock(key, held);
  else {
    const record = shelf.load(key);
    held(record === undefined || isOver(state, record), () => {});
  }
}

function isOver({ options }: State, { until }: TabRecord): boolean {
  return until <= options.environment.now();
}
