import type { Knex } from "knex";
import { LRUCache } from "lru-cache";
import { beginRaid, findLastSaid } from "../../db/log/room-rules.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { Actor } from "../actor.ts";
import { steadyNow, wallNow } from "../clock.ts";
import { isInRaid, slowSecondsOf } from "../delivery/room-now.ts";
import type { Tail } from "../delivery/tail.ts";
import { networksOf } from "../guard/address.ts";
import type { Logger } from "../log.ts";
import { type Refusal, refuse } from "../refusal.ts";
import { isAtLeast, rankOf } from "../rooms/access.ts";

/** Makes people wait between two messages where a room wants that, or is raided. */
export type SlowMode = {
  /**
   * Takes a person's turn to send one message in a room. Returns a function that gives it back.
   * Throws `slow_mode`.
   */
  take(actor: Actor, tail: Tail): Promise<() => void>;
  /** Returns whether a second message in the same request would be refused. */
  isOn(actor: Actor, tail: Tail): boolean;
};

/** Sessions count as newcomers for this long. Raiders make theirs just before. */
const NEWCOMER_MS = 10 * 60_000;

/**
 * A raid: this many messages of newcomers in a room within 10 s, at one node. Six a second are more
 * than anyone reads, and 200 people who are new together write less.
 */
const RAID_MESSAGES = 60;
const WINDOW_MS = 10_000;

/** After this time without another sign of a raid, slow mode ends. */
const RAID_SECONDS = 120;

/**
 * In a raid, newcomers of one network share a turn if at least CROWD of them have tried to write
 * within a minute. Each of these networks has a turn in three seconds, later with more than six of
 * them, so all together get two messages a second.
 */
const CROWD = 4;
const CROWD_TURN_SECONDS = 3;
const CROWDS_PER_SECOND = 2;
const CROWD_MS = 60_000;

/** Turns and networks in memory, 100 bytes each. */
const KEPT = 50_000;

type Dependencies = { db: Knex; wakeUps: WakeUps; logger: Logger; detectsRaids: boolean };

/** The newcomers of a room at this node: their messages in a window, and their networks. */
type Newcomers = {
  since: number;
  messages: number;
  begunAt: number;
  networks: Map<string, Map<string, number>>;
  crowds: number;
};

/** Creates the slow mode of a node. */
export function createSlowMode({ db, wakeUps, logger, detectsRaids }: Dependencies): SlowMode {
  const turns = new LRUCache<string, number>({ max: KEPT });
  const newcomers = new LRUCache<number, Newcomers>({ max: 1_000 });
  return { take, isOn };

  function isOn(actor: Actor, tail: Tail): boolean {
    return secondsFor(actor, tail) > 0;
  }

  /** The people whom moderators have approved are no raiders. */
  function secondsFor(actor: Actor, { room }: Tail): number {
    const rank = rankOf(actor, room);
    if (isAtLeast(rank, "moderator")) return 0;
    return isAtLeast(rank, "approved") ? room.rules.slowSeconds : slowSecondsOf(room);
  }

  async function take(actor: Actor, tail: Tail): Promise<() => void> {
    const rank = rankOf(actor, tail.room);
    if (isAtLeast(rank, "moderator")) return nothing;
    const isNew = detectsRaids && wallNow() - actor.since < NEWCOMER_MS && !isAtLeast(rank, "approved");
    const crowdSeconds = isNew && tail.room.rules.autoSlow ? noteNewcomer(actor, tail) : 0;
    const seconds = secondsFor(actor, tail);
    if (seconds === 0) return nothing;
    const memberId = actor.member?.id ?? "";
    const keys = [{ key: `${tail.id} ${memberId}`, seconds }];
    if (crowdSeconds > 0) keys.push({ key: `${tail.id} of ${networkOf(actor)}`, seconds: crowdSeconds });
    const now = steadyNow();
    const waitMs = Math.max(
      ...keys.map(({ key, seconds }) => (turns.get(key) ?? Number.NEGATIVE_INFINITY) + seconds * 1000 - now),
    );
    if (waitMs > 0) throw slowDown(waitMs);
    for (const { key } of keys) turns.set(key, now);
    const giveBack = () => {
      for (const { key } of keys) turns.delete(key);
    };
    await assertSaidLongAgo(tail, memberId);
    return giveBack;
  }

  /** Another node may have taken the member's last message. */
  async function assertSaidLongAgo(tail: Tail, memberId: string): Promise<void> {
    const { slowSeconds } = tail.room.rules;
    if (slowSeconds === 0) return;
    const agoMs = await findLastSaid(db, tail.id, memberId);
    if (agoMs === undefined || agoMs >= slowSeconds * 1000) return;
    turns.set(`${tail.id} ${memberId}`, steadyNow() - agoMs);
    throw slowDown(slowSeconds * 1000 - agoMs);
  }

  /**
   * Notes a message of a newcomer. Returns the seconds in which its network has one turn in a raid,
   * 0 if it is no crowd.
   */
  function noteNewcomer(actor: Actor, tail: Tail): number {
    const now = steadyNow();
    const known = newcomers.get(tail.id) ?? { ...NOBODY, since: now, networks: new Map() };
    newcomers.set(tail.id, known);
    if (now - known.since > WINDOW_MS) beginWindow(known, now);
    known.messages += 1;
    if (known.messages >= RAID_MESSAGES && now - known.begunAt > WINDOW_MS) {
      known.begunAt = now;
      begin(tail);
    }
    const members = known.networks.get(networkOf(actor)) ?? new Map<string, number>();
    known.networks.set(networkOf(actor), members.set(actor.member?.id ?? "", now));
    if (!isInRaid(tail.room) || members.size < CROWD) return 0;
    return Math.max(CROWD_TURN_SECONDS, known.crowds / CROWDS_PER_SECOND);
  }

  function begin(tail: Tail): void {
    logger.warn({ room: tail.id }, "a raid: slow mode begins");
    beginRaid(db, wakeUps, { roomId: tail.id, seconds: RAID_SECONDS }).catch((error) =>
      logger.debug({ err: error }, "slow mode not begun"),
    );
  }
}

const NOBODY = { messages: 0, begunAt: Number.NEGATIVE_INFINITY, crowds: 0 };

/** Forgets the people who have not tried for a while, and counts the networks that are crowds. */
function beginWindow(known: Newcomers, now: number): void {
  known.since = now;
  known.messages = 0;
  known.crowds = 0;
  for (const [network, members] of known.networks) {
    for (const [member, at] of members) if (now - at > CROWD_MS) members.delete(member);
    if (members.size === 0) known.networks.delete(network);
    if (members.size >= CROWD) known.crowds += 1;
  }
}

function networkOf({ address }: Actor): string {
  return networksOf(address).at(-1) as string;
}

function slowDown(waitMs: number): Refusal {
  const seconds = Math.ceil(waitMs / 1000);
  return refuse("slow_mode", `Slow mode: try again in ${seconds} s.`, seconds);
}

function nothing(): void {}
