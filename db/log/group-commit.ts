import type { Knex } from "knex";
import { isDatabaseAway } from "../pool/connect.ts";
import { createEntryQueue } from "./entry-queue.ts";
import { APPEND_LIMIT, append, type Draft, isCollision, type Stored } from "./events.ts";
import { type Entered, type Entry, enterAndAppend } from "./members.ts";

/** The outcome of an entry, and the first message that came with it, if it was stored. */
export type Admitted = Entered & { stored: Stored | undefined };

/** How long a draft or an entry may wait for others to share its commit, and in whose share of the queue it counts. */
export type EntryOptions = { share: string; patienceMs?: number; message?: Draft };

export type GroupCommit = {
  /**
   * Appends one draft, together with whatever else is waiting; see append() for what it returns. A draft that nobody
   * could read before anyway may wait `patienceMs` for others to share its commit.
   */
  append(draft: Draft, patienceMs?: number): Promise<Stored | undefined>;
  /** Has someone enter a room, and stores their first message, if any, in the same commit. */
  enter(entry: Entry, options: EntryOptions): Promise<Admitted>;
  waiting(): number;
};

export type GroupCommitOptions = {
  /** Members that a room holds. */
  roomMembers: number;
  /** Makes the error for a full queue. */
  queueFull: (queue: "messages" | "entries") => Error;
  /** Called with the number of messages of each batch. */
  onBatch?: (size: number) => void;
};

type Waiting<Result> = {
  since: number;
  dueAt: number;
  resolve(result: Result): void;
  reject(error: unknown): void;
};

type WaitingDraft = Waiting<Stored | undefined> & { draft: Draft };

type WaitingEntry = Waiting<Admitted> & { roomId: number; share: string; entry: Entry; message: Draft | undefined };

type Batch = { drafts: WaitingDraft[]; entries: WaitingEntry[] };

/** Appends that may wait: 2,000 are 20 s of the headline load, longer than any request waits. */
const QUEUE_LIMIT = 2_000;

/** Entries that may wait: four batches, so that even the last one waits less than 100 ms. */
const ENTRY_QUEUE_LIMIT = 200;

/** Entries in one commit: 50 of them take the database some 10 ms, for which the rooms are locked. */
const ENTRY_LIMIT = 50;

/** A draft that has waited this long when an append fails is rejected: the next append may take 5 s to fail too. */
const WAIT_MS = 1_000;

/** A commit of this size is a sign of load. The next one then begins GATHER_MS after it began, not sooner. */
const BUSY_BATCH = 4;

/**
 * A commit costs the database about 1 ms of CPU and each message in it 0.05 ms more: 1000 messages a second in 120 commits
 * a second (8 ms) take half of what they take in 300, and in 80 (12 ms) a fifth less again, node and database together;
 * 16 ms no less. The slowest of a hundred deliveries takes 19 ms with 12, 18 with 10, 17 with 9, the median 11, 9.5
 * and 9: medians of three.
 */
const GATHER_MS = 10;

/**
 * Group commit: while one append is under way, what arrives waits and shares the next. Alone and without patience, a
 * message waits for nothing; under load, a commit is shared by all that came since the last one began, a few ms ago.
 * People who enter share the same commits.
 *
 * With 2000 messages waiting, append() throws `queueFull("messages")`. Of more than 200 entries waiting, the last of the
 * share that has most gets `queueFull("entries")`.
 */
export function createGroupCommit(db: Knex, options: GroupCommitOptions): GroupCommit {
  const { roomMembers, queueFull, onBatch } = options;
  const entries = createEntryQueue<WaitingEntry>(ENTRY_QUEUE_LIMIT);
  let drafts: WaitingDraft[] = [];
  let underWay = false;
  let restsUntil = 0;
  let wakesAt = Number.POSITIVE_INFINITY;
  let waking: NodeJS.Timeout | undefined;

  return { append: enqueue, enter, waiting: () => drafts.length + entries.all().length };

  function enqueue(draft: Draft, patienceMs = 0): Promise<Stored | undefined> {
    if (drafts.length >= QUEUE_LIMIT) return Promise.reject(queueFull("messages"));
    return new Promise((resolve, reject) => {
      const since = performance.now();
      drafts.push({ draft, since, dueAt: since + patienceMs, resolve, reject });
      commitAt(since + patienceMs);
    });
  }

  function enter(entry: Entry, { share, patienceMs = 0, message }: EntryOptions): Promise<Admitted> {
    return new Promise((resolve, reject) => {
      const since = performance.now();
      const { roomId } = entry;
      const one = { entry, message, roomId, share, since, dueAt: since + patienceMs, resolve, reject };
      entries.add(one)?.reject(queueFull("entries"));
      commitAt(one.dueAt);
    });
  }

  /** Begins the next commit then, unless it begins sooner anyway. */
  function commitAt(time: number): void {
    if (underWay) return;
    const now = performance.now();
    const beginsAt = Math.max(time, restsUntil);
    if (beginsAt <= now) return void commit();
    if (beginsAt >= wakesAt) return;
    clearTimeout(waking);
    wakesAt = beginsAt;
    waking = setTimeout(commit, beginsAt - now);
  }

  async function commit(): Promise<void> {
    clearTimeout(waking);
    wakesAt = Number.POSITIVE_INFINITY;
    underWay = true;
    const batch = nextBatch();
    const size = batch.drafts.length + batch.entries.length;
    onBatch?.(size);
    const beganAt = performance.now();
    await commitBatch(db, batch, roomMembers).catch(giveUp);
    underWay = false;
    restsUntil = size >= BUSY_BATCH ? beganAt + GATHER_MS : 0;
    const next = Math.min(dueAtOf(drafts), dueAtOf(entries.all()));
    if (next < Number.POSITIVE_INFINITY) commitAt(next);
  }

  /** Each entry names a room, too, and brings a message at most. */
  function nextBatch(): Batch {
    const next = entries.take(ENTRY_LIMIT);
    const count = APPEND_LIMIT - 2 * next.length;
    const batch = { drafts: drafts.slice(0, count), entries: next };
    drafts = drafts.slice(count);
    return batch;
  }

  function giveUp(error: unknown): void {
    if (!isDatabaseAway(error)) return;
    const limit = performance.now() - WAIT_MS;
    for (const one of drafts) if (one.since < limit) one.reject(error);
    drafts = drafts.filter((one) => one.since >= limit);
    for (const one of entries.drop(({ since }) => since < limit)) one.reject(error);
  }
}

function dueAtOf(waiting: readonly { dueAt: number }[]): number {
  return waiting.reduce((soonest, { dueAt }) => Math.min(soonest, dueAt), Number.POSITIVE_INFINITY);
}

/** Resolves every draft and entry of a batch, or rejects all with the batch's error: then each may or may not be stored. */
async function commitBatch(db: Knex, batch: Batch, roomMembers: number): Promise<void> {
  try {
    const { entered, stored } = await storeDespiteCollisions(db, batch, roomMembers);
    let place = batch.drafts.length;
    batch.drafts.forEach((one, index) => {
      one.resolve(stored[index]);
    });
    batch.entries.forEach((one, index) => {
      one.resolve({ ...(entered[index] as Entered), stored: one.message && stored[place++] });
    });
  } catch (error) {
    for (const one of [...batch.drafts, ...batch.entries]) one.reject(error);
    throw error;
  }
}

/** Every collision means that another transaction has stored one more of these, so this ends. */
async function storeDespiteCollisions(
  db: Knex,
  batch: Batch,
  roomMembers: number,
): Promise<{ entered: Entered[]; stored: (Stored | undefined)[] }> {
  try {
    return await store(db, batch, roomMembers);
  } catch (error) {
    if (!isCollision(error)) throw error;
    return storeDespiteCollisions(db, batch, roomMembers);
  }
}

async function store(db: Knex, batch: Batch, roomMembers: number) {
  const drafts = batch.drafts.map((one) => one.draft);
  if (batch.entries.length === 0) return { entered: [], stored: await append(db, drafts) };
  const entries = batch.entries.map((one) => one.entry);
  const messages = batch.entries.flatMap(({ message }) => message ?? []);
  return enterAndAppend(db, { entries, drafts: [...drafts, ...messages], roomMembers });
}
