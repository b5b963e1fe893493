import { createHash } from "node:crypto";
import type { Knex } from "knex";
import { LRUCache } from "lru-cache";
import { mayComeBack } from "../../db/log/members.ts";
import { hasGrant } from "../../db/log/passwords.ts";
import { findFirstSeen } from "../../db/log/visits.ts";
import type { Actor } from "../actor.ts";
import { wallNow } from "../clock.ts";
import type { Hub } from "../delivery/hub.ts";
import type { Reader } from "../delivery/reader.ts";
import { nextVersion, type Tail } from "../delivery/tail.ts";
import { refuse } from "../refusal.ts";
import {
  type AccessQuestion,
  type Act,
  type Denial,
  decide,
  isAtLeast,
  type PersonBan,
  rankOf,
  type SiteRules,
} from "../rooms/access.ts";
import type { AskHost } from "./authorize.ts";

/** Asks whether people may do things. Every request that reads or writes does. */
export type SiteAccess = {
  /** Throws the refusal of an act that the person may not do. */
  assert(actor: Actor, act: Act, tail?: Tail): Promise<void>;
  /** Returns whether a person may do something. */
  may(actor: Actor, act: Act, tail?: Tail): Promise<boolean>;
  /**
   * Sends a reader away that may not read on, as far as that is known without asking the database.
   */
  recheck(reader: Reader): void;
  /**
   * Checks all readers of these rooms again, or of all rooms, since people may do something else
   * there now.
   */
  recheckAll(tails?: Tail[]): void;
  /** Checks the readers of a member again, whose session may have ended. */
  recheckMember(memberId: string): void;
  /**
   * Returns the first seq that a person who may read a room may see. A visitor who is going on may
   * be some messages behind.
   */
  firstSeen(actor: Actor, tail: Tail, how?: { isGoingOn: boolean }): Promise<number>;
  /** Notes that a person has typed the password of a room. */
  noteGrant(actor: Actor, tail: Tail): void;
  /** The ban that holds for a person in a room, or on the site. */
  banOf(actor: Actor, roomId?: number): PersonBan | undefined;
};

/** The parts of a node that decide about people. */
export type AccessDependencies = {
  /** Returns whether a member's tokens of this time, in ms since 1970, were revoked. */
  isRevoked(memberId: string, issuedAt: number): boolean;
  db: Knex;
  hub: Hub;
  /** Asks the host, if it wants to be asked, once the rules allow something. */
  askHost: AskHost | undefined;
  /** Returns the rules of the whole site, which may change at any time. */
  siteRules(): SiteRules;
  banOf(actor: Actor, roomId?: number): PersonBan | undefined;
};

/** People whose knowledge of a password is remembered, 100 bytes each. */
const GRANTS = 20_000;

/** Creates the access of a node. */
export function createAccess({ db, hub, isRevoked, siteRules, banOf, askHost }: AccessDependencies): SiteAccess {
  const grants = new LRUCache<string, true>({ max: GRANTS });
  return { assert, may, recheck, recheckAll, recheckMember, firstSeen, noteGrant, banOf };

  async function assert(actor: Actor, act: Act, tail?: Tail): Promise<void> {
    const denial = await denialOf(actor, act, tail);
    if (denial !== undefined) throw refuse(denial.code, denial.detail, denial.retrySeconds);
  }

  async function may(actor: Actor, act: Act, tail?: Tail): Promise<boolean> {
    return (await denialOf(actor, act, tail)) === undefined;
  }

  async function denialOf(actor: Actor, act: Act, tail?: Tail): Promise<Denial | undefined> {
    return (await denialByRules(actor, act, tail)) ?? askHost?.(actor, act, tail);
  }

  /** Asks the database only where memory does not suffice: a password, or a locked room. */
  async function denialByRules(actor: Actor, act: Act, tail?: Tail): Promise<Denial | undefined> {
    const question = questionOf(actor, act, tail);
    let denial = decide(question);
    if (tail === undefined || denial === undefined) return denial;
    if (denial.code === "password_needed" && (await knowsPassword(actor, tail))) {
      question.knowsPassword = true;
      denial = decide(question);
    }
    if (denial?.code === "locked" && actor.member !== undefined) {
      question.isInside = await mayComeBack(db, { roomId: tail.id, memberId: actor.member.id });
      denial = decide(question);
    }
    return denial;
  }

  function questionOf(actor: Actor, act: Act, tail?: Tail): AccessQuestion {
    return {
      actor,
      act,
      site: siteRules(),
      ban: banOf(actor, tail?.id),
      now: wallNow(),
      ...(tail && { room: tail.room, knowsPassword: isKnown(actor, tail) }),
    };
  }

  function isKnown(actor: Actor, { room }: Tail): boolean {
    if (room.passwordMark === undefined) return false;
    return holdersOf(actor).some((holder) => grants.has(`${room.id} ${room.passwordMark} ${holder}`));
  }

  async function knowsPassword(actor: Actor, tail: Tail): Promise<boolean> {
    const { passwordMark } = tail.room;
    const holders = holdersOf(actor);
    if (holders.length === 0 || !(await hasGrant(db, tail.id, holders))) return false;
    // Another password may have been set meanwhile.
    if (tail.room.passwordMark === passwordMark) noteGrant(actor, tail);
    return true;
  }

  async function firstSeen(actor: Actor, { room }: Tail, { isGoingOn } = { isGoingOn: false }): Promise<number> {
    const messages = room.rules.historyForNewcomers;
    if (messages === null || isAtLeast(rankOf(actor, room), "approved")) return 1;
    const seconds = isGoingOn ? BEHIND_SECONDS : 0;
    return findFirstSeen(db, { roomId: room.id, memberId: actor.member?.id, messages, seconds });
  }

  function noteGrant(actor: Actor, { room }: Tail): void {
    for (const holder of holdersOf(actor)) grants.set(`${room.id} ${room.passwordMark} ${holder}`, true);
  }

  function recheck(reader: Reader): void {
    if (reader.actor === undefined || !reader.isOpen) return;
    const actor = withoutEnded(reader.actor);
    for (const tail of reader.tails) {
      if (decide(questionOf(actor, "read", tail)) === undefined) continue;
      hub.sendAway(reader, { retry: RETRY_MS, reason: "not_allowed" });
      return;
    }
  }

  /** A person whose session has ended is a visitor. */
  function withoutEnded(actor: Actor): Actor {
    const { member, issuedAt } = actor;
    return member !== undefined && isRevoked(member.id, issuedAt) ? { ...actor, member: undefined } : actor;
  }

  function recheckMember(memberId: string): void {
    for (const reader of hub.readers) if (reader.memberId === memberId) recheck(reader);
  }

  function recheckAll(tails?: Tail[]): void {
    for (const tail of tails ?? hub.rooms.all()) tail.version = nextVersion();
    for (const reader of hub.readers)
      if (tails === undefined || reader.tails.some((tail) => tails.includes(tail))) recheck(reader);
  }
}

/**
 * A visitor has no memory here, and its client may reconnect after this time without a reset. So a
 * made-up cursor shows as much of the past.
 */
const BEHIND_SECONDS = 120;

/** A client that comes back is answered with the refusal. */
const RETRY_MS = 1_000;

/** Returns the names under which a person's knowledge of passwords is stored. */
export function holdersOf({ member, browser }: Actor): string[] {
  const hashed = browser && createHash("sha256").update(`browser ${browser}`).digest("base64url").slice(0, 22);
  return [member?.id, hashed].filter((holder) => holder !== undefined);
}
