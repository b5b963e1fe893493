import type { Knex } from "knex";
import { isDatabaseAway } from "./connect.ts";
import { APPEND_LIMIT, append, COLLISION, type Draft, type Stored } from "./events.ts";

export type GroupCommit = {
  /**
   * Appends one draft, together with whatever else is waiting; see append() for what it gives. Who would not be heard
   * before may have it wait, for so many milliseconds, for others to share its commit.
   */
  append(draft: Draft, patienceMs?: number): Promise<Stored | undefined>;
  waiting(): number;
};

type Waiting = {
  draft: Draft;
  since: number;
  dueAt: number;
  resolve(stored: Stored | undefined): void;
  reject(error: unknown): void;
};

/** Appends that may wait: 2000 are 20 s of the headline load, more than any request's patience. */
const QUEUE_LIMIT = 2_000;

/** Who has waited this long for an append that then fails is not kept for the next, which may take 5 s to fail too. */
const WAIT_MS = 1_000;

/** A commit of so many tells of load. The next one then begins GATHER_MS after it began, not sooner. */
const BUSY_BATCH = 4;

/**
 * A commit costs the database about 1 ms of CPU and each remark in it 0.05 ms more: 1000 remarks a second in 120 commits
 * a second (8 ms) take half of what they take in 300, and in 80 (12 ms) a fifth less again, node and database together;
 * 16 ms no less. The slowest of a hundred deliveries takes 19 ms with 12, 18 with 10, 17 with 9, the median 11, 9.5
 * and 9: medians of three.
 */
const GATHER_MS = 10;

/**
 * Group commit: while one append is under way, what arrives waits and goes together in the next. Alone and without
 * patience, a remark waits for nothing; under load, a commit is shared by all that came since the last one began, and
 * that is a few ms ago.
 *
 * `onBatch` hears the size of each batch. Over 2000 waiting, append() throws `queueFull()`.
 */
export function createGroupCommit(db: Knex, queueFull: () => Error, onBatch: (size: number) => void): GroupCommit {
  let waiting: Waiting[] = [];
  let underWay = false;
  let restsUntil = 0;
  let wakesAt = Number.POSITIVE_INFINITY;
  let waking: NodeJS.Timeout | undefined;

  return { append: enqueue, waiting: () => waiting.length };

  function enqueue(draft: Draft, patienceMs = 0): Promise<Stored | undefined> {
    if (waiting.length >= QUEUE_LIMIT) return Promise.reject(queueFull());
    return new Promise((resolve, reject) => {
      const since = performance.now();
      waiting.push({ draft, since, dueAt: since + patienceMs, resolve, reject });
      commitAt(since + patienceMs);
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
    const batch = waiting.slice(0, APPEND_LIMIT);
    waiting = waiting.slice(APPEND_LIMIT);
    onBatch(batch.length);
    const beganAt = performance.now();
    await commitBatch(db, batch).catch(giveUp);
    underWay = false;
    restsUntil = batch.length >= BUSY_BATCH ? beganAt + GATHER_MS : 0;
    if (waiting.length > 0) commitAt(Math.min(...waiting.map((one) => one.dueAt)));
  }

  function giveUp(error: unknown): void {
    if (!isDatabaseAway(error)) return;
    const limit = performance.now() - WAIT_MS;
    for (const one of waiting) if (one.since < limit) one.reject(error);
    waiting = waiting.filter((one) => one.since >= limit);
  }
}

/** Every waiting one gets its answer, or the error that befell the batch: then each may or may not be stored. */
async function commitBatch(db: Knex, batch: Waiting[]): Promise<void> {
  try {
    const stored = await appendDespiteResends(
      db,
      batch.map((one) => one.draft),
    );
    batch.forEach((one, index) => {
      one.resolve(stored[index]);
    });
  } catch (error) {
    for (const one of batch) one.reject(error);
    throw error;
  }
}

/** Every collision means that one more of these drafts is stored, so this ends after as many tries as there are drafts. */
async function appendDespiteResends(db: Knex, drafts: Draft[]): Promise<(Stored | undefined)[]> {
  try {
    return await append(db, drafts);
  } catch (error) {
    if ((error as { constraint?: string }).constraint !== COLLISION) throw error;
    return appendDespiteResends(db, drafts);
  }
}
