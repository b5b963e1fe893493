import type { Knex } from "knex";
import { LRUCache } from "lru-cache";
import { findInboxes, type Inbox, type InboxKey, readInboxes, readNewInboxes } from "../../db/log/whispers.ts";
import type { Logger } from "../log.ts";
import type { Rooms } from "./rooms.ts";
import type { Tail } from "./tail.ts";

/** Members of rooms of which a node knows whether they have an inbox: 10 MB. */
const KNOWN = 50_000;

/** A poll that is verified for a minute may be under way for another one. */
const MADE_MS = 3 * 60_000;

/** Stands for "has no inbox" among the numbers of inboxes. */
const NONE = 0;

type Dependencies = {
  db: Knex;
  rooms: Pick<Rooms, "tailsOf" | "openInboxes">;
  logger: Logger;
  /** Returns whether a member reads a room at this node. */
  reads(owner: InboxKey): boolean;
  /** Lets a member's readers of a room follow its inbox there. */
  follow(inbox: Tail, owner: InboxKey): void;
};

/** The members that a query asks for, and its result by their names. */
type Query = { keys: Map<string, InboxKey>; found: Promise<Map<string, Tail>> };

/**
 * The inboxes of the members that read at this node. A member gets its inbox with the first
 * whisper, so most have none. That is remembered, so a member costs one query. An inbox that is
 * made later is published, and looked for every few seconds, since a wake-up may be lost.
 */
export class Inboxes {
  readonly #deps: Dependencies;
  readonly #known = new LRUCache<string, number>({ max: KNOWN });
  /** When members last got an inbox. */
  readonly #made = new Map<string, number>();
  #running: Promise<unknown> = Promise.resolve();
  #next: Query | undefined;
  /** The database's time of the last look. */
  #lookedAt: Date | undefined;
  #isLooking = false;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /**
   * Returns the rooms, followed by the inboxes that the member has there. Unless the caller awaits
   * something else before its reader is among the hub's readers, no inbox is missed.
   */
  async withInboxes(tails: Tail[], memberId: string): Promise<Tail[]> {
    for (;;) {
      const found = await Promise.all(tails.map(({ id }) => this.find({ roomId: id, memberId })));
      const inboxes = found.filter((inbox) => inbox !== undefined);
      // Another one may have been made meanwhile.
      if (inboxes.length < this.#countKnown(tails, memberId)) continue;
      return inboxes.length === 0 ? tails : [...tails, ...inboxes];
    }
  }

  /** Returns a member's inbox in a room, in memory from then on; `undefined` if it has none. */
  async find(key: InboxKey): Promise<Tail | undefined> {
    const name = nameOf(key);
    const id = this.#known.get(name);
    if (id === NONE) return undefined;
    const [tail] = id === undefined ? [] : this.#deps.rooms.tailsOf([id]);
    if (tail === undefined) return (await this.#ask(key)).get(name);
    tail.usedAt = performance.now();
    return tail;
  }

  /**
   * Returns whether a member got an inbox within the last minutes, so that what is known of its
   * polls may lack it.
   */
  isNew(memberId: string): boolean {
    return this.#made.size > 0 && this.#made.has(memberId);
  }

  /** Notes the inboxes that some node has published. */
  onMade(payload: string): void {
    this.#note(readInboxes(payload)).catch((error) => this.#logFailure(error));
  }

  /** Looks for inboxes whose wake-up was lost. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const limit = performance.now() - MADE_MS;
    for (const [memberId, at] of this.#made) if (at < limit) this.#made.delete(memberId);
    try {
      const { inboxes, now } = await readNewInboxes(this.#deps.db, this.#lookedAt);
      await this.#note(inboxes);
      this.#lookedAt = now;
    } catch (error) {
      this.#logFailure(error);
    }
    this.#isLooking = false;
  }

  async #note(inboxes: Inbox[]): Promise<void> {
    const now = performance.now();
    for (const inbox of inboxes) {
      this.#known.set(nameOf(inbox), inbox.id);
      if (!this.#made.has(inbox.memberId)) this.#made.set(inbox.memberId, now);
    }
    await Promise.all(inboxes.filter((inbox) => this.#deps.reads(inbox)).map((inbox) => this.#follow(inbox)));
  }

  async #follow(inbox: Inbox): Promise<void> {
    const tail = await this.find(inbox);
    if (tail !== undefined) this.#deps.follow(tail, inbox);
  }

  /** The next look finds them again. */
  #logFailure(error: unknown): void {
    this.#deps.logger.debug({ err: error }, "new inboxes not read");
  }

  #countKnown(tails: Tail[], memberId: string): number {
    return tails.filter(({ id }) => (this.#known.get(nameOf({ roomId: id, memberId })) ?? NONE) !== NONE).length;
  }

  /** One query at a time. A crowd that comes back at once shares the next one. */
  #ask(key: InboxKey): Promise<Map<string, Tail>> {
    this.#next ??= this.#prepare();
    this.#next.keys.set(nameOf(key), key);
    return this.#next.found;
  }

  #prepare(): Query {
    const keys = new Map<string, InboxKey>();
    const found = this.#running.then(() => {
      this.#next = undefined;
      return this.#query(keys);
    });
    this.#running = found.catch(() => undefined);
    return { keys, found };
  }

  async #query(keys: Map<string, InboxKey>): Promise<Map<string, Tail>> {
    const { db, rooms } = this.#deps;
    const before = new Map([...keys.keys()].map((name) => [name, this.#known.get(name)]));
    const stored = await findInboxes(db, [...keys.values()]);
    const tails = await rooms.openInboxes(stored.map(({ room }) => room));
    const found = new Map<string, Tail>();
    stored.forEach((inbox, index) => {
      const name = nameOf(inbox);
      this.#known.set(name, inbox.room.id);
      found.set(name, tails[index] as Tail);
    });
    // One that was made after the query has been noted.
    for (const name of keys.keys())
      if (!found.has(name) && this.#known.get(name) === before.get(name)) this.#known.set(name, NONE);
    return found;
  }
}

function nameOf({ roomId, memberId }: InboxKey): string {
  return `${roomId} ${memberId}`;
}
