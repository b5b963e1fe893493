import type { Knex } from "knex";
import { isDatabaseAway } from "../pool/connect.ts";
import { APPEND_LIMIT, append, type Draft, isCollision } from "./append.ts";
import { type EntryRequest, type EntryResult, enterAndAppend } from "./enter.ts";
import { createEntryQueue } from "./entry-queue.ts";
import type { Stored } from "./event-row.ts";
import type { WakeUps } from "./wake-ups.ts";

/** The result of an entry request, and the first message that came with it, if it was stored. */
export type StoredEntry = EntryResult & { stored: Stored | undefined };

/**
 * How an entry request waits: the share of the queue in which it counts, the time in ms that it may
 * wait for others to share its commit, and the first message that comes with it.
 */
export type EntryOptions = { share: string; patienceMs?: number; message?: Draft };

/** Shares commits among the messages and the entry requests of this node. */
export type GroupCommit = {
  /**
   * Appends one draft together with all others that are waiting, and returns the answer of
   * append(). A draft that no reader could see sooner anyway may wait `patienceMs` for others to
   * share its commit.
   */
  append(draft: Draft, patienceMs?: number): Promise<Stored | undefined>;
  /** Appends several drafts, at most 50, in one commit, and returns an answer for each. */
  appendAll(drafts: Draft[], patienceMs?: number): Promise<(Stored | undefined)[]>;
  /** Enters a room, and stores the first message, if any, in the same commit. */
  enter(request: EntryRequest, options: EntryOptions): Promise<StoredEntry>;
  /** Returns the number of messages and entry requests that are waiting. */
  waiting(): number;
};

/** The settings and callbacks of a group commit. */
export type GroupCommitOptions = {
  /** The number of members that a room holds. */
  roomMembers: number;
  /** Publishes the wake-ups. Without it, each commit notifies over PostgreSQL. */
  wakeUps?: WakeUps | undefined;
  /** Returns the error for a full queue. */
  queueFull: (queue: "messages" | "entries") => Error;
  /** Receives the number of messages and entry requests of each batch. */
  onBatch?: (size: number) => void;
  /** Called after each batch: without an error if it was stored, else with it. */
  onStored?: (error?: unknown) => void;
};

type Waiting<Result> = {
  since: number;
  dueAt: number;
  resolve(result: Result): void;
  reject(error: unknown): void;
};

/** `followers`: how many of the next drafts must be in the same commit. */
type WaitingDraft = Waiting<Stored | undefined> & { draft: Draft; followers: number };

type WaitingEntry = Waiting<StoredEntry> & {
  roomId: number;
  share: string;
  request: EntryRequest;
  message: Draft | undefined;
};

type Batch = { drafts: WaitingDraft[]; entries: WaitingEntry[] };

/**
 * Messages that may wait. At the headline load, 2,000 are 20 s, which is longer than any request
 * waits.
 */
const QUEUE_LIMIT = 2_000;

/** Entry requests that may wait: four batches, so even the last one waits less than 100 ms. */
const ENTRY_QUEUE_LIMIT = 200;

/**
 * Entry requests in one commit. 50 take the database some 10 ms, and the rooms are locked during
 * that time.
 */
const ENTRY_LIMIT = 50;

/**
 * A draft that has waited this long when an append fails is rejected, since the next append may
 * take 5 s to fail.
 */
const WAIT_MS = 1_000;

/** A commit of this size is a sign of load. The next one begins at least GATHER_MS after it. */
const BUSY_BATCH = 4;

/**
 * A commit costs the database about 1 ms of CPU, and each message in it 0.05 ms more. Node and
 * database together spend half as much on 1,000 messages a second in 120 commits a second as in
 * 300. The median delivery takes 5.5 ms with 7 ms, 6.1 with 8, and 8.5 with 10. The 99th percentile
 * grows as much, and 7 ms cost a few percent more CPU than 8.
 */
const GATHER_MS = 8;

/**
 * Creates the group commit of a node. While one commit runs, drafts and entry requests wait and
 * share the next one. A single message without patience does not wait. Under load, a commit is
 * shared by all messages that arrived since the last one began, a few ms ago.
 *
 * With 2,000 messages waiting, append() rejects with `queueFull("messages")`. With more than 200
 * entry requests waiting, the last one of the largest share is rejected with
 * `queueFull("entries")`.
 */
export function createGroupCommit(db: Knex, options: GroupCommitOptions): GroupCommit {
  const { queueFull, onBatch } = options;
  const entries = createEntryQueue<WaitingEntry>(ENTRY_QUEUE_LIMIT);
  let drafts: WaitingDraft[] = [];
  let isCommitting = false;
  let pausedUntil = 0;
  let nextAt = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  return { append: enqueue, appendAll, enter, waiting: () => drafts.length + entries.all().length };

  function enqueue(draft: Draft, patienceMs = 0): Promise<Stored | undefined> {
    if (drafts.length >= QUEUE_LIMIT) return Promise.reject(queueFull("messages"));
    return new Promise((resolve, reject) => {
      const since = performance.now();
      drafts.push({ draft, followers: 0, since, dueAt: since + patienceMs, resolve, reject });
      commitAt(since + patienceMs);
    });
  }

  function appendAll(batch: Draft[], patienceMs = 0): Promise<(Stored | undefined)[]> {
    if (drafts.length + batch.length > QUEUE_LIMIT) return Promise.reject(queueFull("messages"));
    const answers = enqueueTogether(drafts, batch, patienceMs);
    commitAt(performance.now() + patienceMs);
    return Promise.all(answers);
  }

  function enter(request: EntryRequest, { share, patienceMs = 0, message }: EntryOptions): Promise<StoredEntry> {
    return new Promise((resolve, reject) => {
      const since = performance.now();
      const { roomId } = request;
      const one = { request, message, roomId, share, since, dueAt: since + patienceMs, resolve, reject };
      entries.add(one)?.reject(queueFull("entries"));
      commitAt(one.dueAt);
    });
  }

  /** Begins the next commit at `time`, unless it begins sooner. */
  function commitAt(time: number): void {
    if (isCommitting) return;
    const now = performance.now();
    const beginsAt = Math.max(time, pausedUntil);
    if (beginsAt <= now) return void commit();
    if (beginsAt >= nextAt) return;
    clearTimeout(timer);
    nextAt = beginsAt;
    timer = setTimeout(commit, beginsAt - now);
  }

  async function commit(): Promise<void> {
    clearTimeout(timer);
    nextAt = Number.POSITIVE_INFINITY;
    isCommitting = true;
    const batch = nextBatch();
    const size = batch.drafts.length + batch.entries.length;
    onBatch?.(size);
    const beganAt = performance.now();
    await commitBatch(db, batch, options).catch(rejectLate);
    isCommitting = false;
    pausedUntil = size >= BUSY_BATCH ? beganAt + GATHER_MS : 0;
    const next = Math.min(dueAtOf(drafts), dueAtOf(entries.all()));
    if (next < Number.POSITIVE_INFINITY) commitAt(next);
  }

  /** Each entry request counts twice, because it names a room and may bring a message. */
  function nextBatch(): Batch {
    const next = entries.take(ENTRY_LIMIT);
    const count = countWhole(drafts, APPEND_LIMIT - 2 * next.length);
    const batch = { drafts: drafts.slice(0, count), entries: next };
    drafts = drafts.slice(count);
    return batch;
  }

  function rejectLate(error: unknown): void {
    if (!isDatabaseAway(error)) return;
    const limit = performance.now() - WAIT_MS;
    for (const one of drafts) if (one.since < limit) one.reject(error);
    drafts = drafts.filter((one) => one.since >= limit);
    for (const one of entries.drop(({ since }) => since < limit)) one.reject(error);
  }
}

/** Adds drafts that must be in one commit. Returns a promise of the answer of each. */
function enqueueTogether(drafts: WaitingDraft[], batch: Draft[], patienceMs: number): Promise<Stored | undefined>[] {
  const since = performance.now();
  const dueAt = since + patienceMs;
  return batch.map(
    (draft, index) =>
      new Promise((resolve, reject) => {
        drafts.push({ draft, followers: batch.length - 1 - index, since, dueAt, resolve, reject });
      }),
  );
}

/** Returns how many drafts fit in a commit, at most `count`, without dividing a batch. */
function countWhole(drafts: WaitingDraft[], count: number): number {
  let whole = count;
  if (drafts.length > count) while ((drafts[whole - 1]?.followers ?? 0) > 0) whole -= 1;
  return whole;
}

function dueAtOf(waiting: readonly { dueAt: number }[]): number {
  return waiting.reduce((soonest, { dueAt }) => Math.min(soonest, dueAt), Number.POSITIVE_INFINITY);
}

/**
 * Resolves every draft and request of a batch. If the commit fails, rejects all: each may or may
 * not be stored.
 */
async function commitBatch(db: Knex, batch: Batch, options: GroupCommitOptions): Promise<void> {
  try {
    const { results, stored } = await storeDespiteCollisions(db, batch, options);
    options.onStored?.();
    let next = batch.drafts.length;
    batch.drafts.forEach((one, index) => {
      one.resolve(stored[index]);
    });
    batch.entries.forEach((one, index) => {
      one.resolve({ ...(results[index] as EntryResult), stored: one.message && stored[next++] });
    });
  } catch (error) {
    options.onStored?.(error);
    for (const one of [...batch.drafts, ...batch.entries]) one.reject(error);
    throw error;
  }
}

type StoredBatch = { results: EntryResult[]; stored: (Stored | undefined)[] };

/**
 * Each collision means that another transaction has stored one more of these messages, so the
 * recursion ends.
 */
async function storeDespiteCollisions(db: Knex, batch: Batch, options: GroupCommitOptions): Promise<StoredBatch> {
  try {
    return await store(db, batch, options);
  } catch (error) {
    if (!isCollision(error)) throw error;
    return storeDespiteCollisions(db, batch, options);
  }
}

async function store(db: Knex, batch: Batch, { roomMembers, wakeUps }: GroupCommitOptions): Promise<StoredBatch> {
  const drafts = batch.drafts.map((one) => one.draft);
  if (batch.entries.length === 0) return { results: [], stored: await append(db, drafts, wakeUps) };
  const entries = batch.entries.map((one) => one.request);
  const messages = batch.entries.flatMap(({ message }) => message ?? []);
  return enterAndAppend(db, { entries, drafts: [...drafts, ...messages], roomMembers, wakeUps });
}
