import { LRUCache } from "lru-cache";
import { type Refusal, refuse } from "../refusal.ts";
import { networksOf } from "./address.ts";
import type { Shares } from "./shares.ts";

/**
 * Whose buckets a request is charged to: the member's if it has a session, its address's, the
 * room's if it acts in one.
 */
export type Payer = { address: string; member?: string | undefined; room?: string | undefined; isNew?: boolean };

/** Counts one kind of request. */
export type Limit = {
  /**
   * Charges the member, then the address, then the address's share of a crowded room, then the
   * room; none of them if one has nothing left. Throws `too_many` with what is full and the seconds
   * to wait.
   */
  take(payer: Payer, count?: number): void;
  /** Would `take` charge one request? */
  allows(payer: Payer): boolean;
  /**
   * Prepares the charges of a payer that sends many requests and acts in no room, so that no key is
   * built for each.
   */
  of(payer: Payer): Allowance;
  /** Returns a charge, when the request turned out to cost nothing. */
  giveBack(payer: Payer, count?: number): void;
};

/** The charges of one payer for one kind of request. */
export type Allowance = {
  /** Would `take` charge one request? */
  allows(): boolean;
  /** Charges one request, as `take` of the limit does. */
  take(): void;
};

/** The limits of one node. */
export type RateLimits = { [name in keyof typeof LIMITS]: Limit };

/** The capacity of a bucket, and how fast it refills. */
type Rate = { burst: number; perSecond: number };

/**
 * `saved`: a second bucket of a member whose session is older than a minute, for when its first one
 * is empty. `newcomers`: all sessions in a room that are younger than a minute, together.
 */
type Rates = { member?: Rate; saved?: Rate; network?: Rate; room?: Rate; newcomers?: Rate };

/** Whose bucket was empty. */
export type Scope = Exclude<keyof Rates, "saved">;

/**
 * The limits of one node; n nodes allow n times as much. `network` is the share of one IPv4 address
 * or one IPv6 /64, and is enough for an office of 200 people behind one address; a /48 has ten of
 * them.
 */
const LIMITS = {
  /**
   * Nobody types 20 messages in 10 s, and a pasted burst passes. 200 people together send less than
   * 20 a second; a raid from one address gets no more. A node delivers 150 a second to one room of
   * 1,000 people; a raid of new sessions from many addresses leaves more than half of that to
   * everyone else. Messages that a member wrote while its network was away arrive at once: 60 are
   * one each 10 s for ten minutes. After that it takes ten minutes to save as many again.
   */
  messages: {
    member: { burst: 20, perSecond: 2 },
    saved: { burst: 40, perSecond: 40 / 600 },
    network: { burst: 400, perSecond: 30 },
    room: { burst: 600, perSecond: 150 },
    newcomers: { burst: 400, perSecond: 60 },
  },
  /**
   * A message over the limit may be a resend of one that was stored; finding out costs a query. In
   * a raid of 200 sessions from one address, nearly all messages are over the limit.
   */
  resends: { member: { burst: 20, perSecond: 2 }, network: { burst: 200, perSecond: 20 } },
  /**
   * Everyone in an office enters at nine o'clock. Each session costs a row in every room that it
   * enters.
   */
  sessions: { member: { burst: 20, perSecond: 0.5 }, network: { burst: 300, perSecond: 5 } },
  /** A trip costs 70 ms of CPU, and a trip is guessed by trying secrets. */
  trips: { network: { burst: 5, perSecond: 5 / 60 } },
  /** Rooms stay for a day. */
  rooms: { network: { burst: 30, perSecond: 30 / 60 } },
  /** An alarm sends a few lines at once, and a program that has gone wrong one after the other. */
  webhooks: {
    member: { burst: 20, perSecond: 1 },
    network: { burst: 200, perSecond: 10 },
    room: { burst: 60, perSecond: 5 },
  },
  /** Entering and leaving: one transaction each on the room's row. */
  moves: { member: { burst: 60, perSecond: 6 }, network: { burst: 600, perSecond: 40 } },
  /** A client reports typing every few seconds; each costs a statement and a wake-up. */
  typing: { member: { burst: 20, perSecond: 2 }, network: { burst: 400, perSecond: 60 } },
  /**
   * Pages, the lobby, people and history, counted in pages of 50 events: 40 a second are a fifth of
   * a core.
   */
  reads: { member: { burst: 200, perSecond: 10 }, network: { burst: 1000, perSecond: 40 } },
  /** A search reads up to 20,000 messages, which takes the database 0.2 s. */
  searches: { member: { burst: 20, perSecond: 0.5 }, network: { burst: 60, perSecond: 2 } },
  /** A download reads a whole log, one page at a time. */
  downloads: { member: { burst: 5, perSecond: 1 / 60 }, network: { burst: 20, perSecond: 5 / 60 } },
  /** Nobody has more to report in an hour, and a queue is read by people. */
  reports: { member: { burst: 10, perSecond: 10 / 3600 }, network: { burst: 60, perSecond: 60 / 3600 } },
  /** Acts and lists of moderators, and attempts at them: each is a few statements. */
  moderation: { member: { burst: 60, perSecond: 2 }, network: { burst: 200, perSecond: 10 } },
  /** Each is a guess at the operators' secret. */
  operators: { network: { burst: 5, perSecond: 5 / 60 } },
  /**
   * Opening streams and live pages: 200 people whose network cuts each stream after a few seconds.
   */
  streams: { member: { burst: 60, perSecond: 2 }, network: { burst: 1000, perSecond: 50 } },
  /**
   * Polls, except those on a kept connection that wait: a thousand a second are a tenth of a core.
   * A client over the limit comes back after a second, with more to fetch at once.
   */
  polls: { network: { burst: 5000, perSecond: 1000 } },
  /**
   * Streams that are on another node, and invented ones: 200 people confirm theirs ten times a
   * second together. A node passes on some hundreds a second.
   */
  confirmations: { network: { burst: 300, perSecond: 50 } },
  /** One visit to the path doctor asks about 50 questions. */
  probes: { network: { burst: 600, perSecond: 10 } },
} as const satisfies { [name: string]: Rates };

/** Holders of a /48 have 65,536 /64s; together those get no more than ten. */
export const WIDER = 10;

/**
 * A room is crowded when less than half of what it takes at once is left. One network (a /64 or a
 * /48) then gets a quarter of what is left: an eighth of the room's rate at half, less with each
 * network that wants more. So a handful of networks that send all they can leave the other half to
 * everyone else.
 */
const CROWDED = 1 / 2;
const NETWORK_SHARE = 1 / 4;

/** The least that is left to share is 1/16 of the room's rate, of which a network gets 1/64. */
const LEFT_MIN = 1 / 16;

/**
 * Buckets in memory, all limits together: 100,000 take 15 MB. The ones that were not used for
 * longest are forgotten first, which is a fresh start for their owners. No address can cause that
 * alone: it would need more sessions than it gets.
 */
const BUCKETS_MAX = 100_000;

type Options = { isOn: boolean; shares: Shares; onRefused(name: string, scope: Scope): void };

/** Creates the limits of one node, all buckets full; without limits, everything passes. */
export function createRateLimits({ isOn, shares, onRefused }: Options): RateLimits {
  const buckets = new LRUCache<string, number>({ max: isOn ? BUCKETS_MAX : 1 });
  const names = Object.keys(LIMITS) as (keyof typeof LIMITS)[];
  return Object.fromEntries(names.map((name) => [name, isOn ? limitOf(name) : NO_LIMIT])) as RateLimits;

  function limitOf(name: keyof typeof LIMITS): Limit {
    const rates: Rates = LIMITS[name];
    return {
      take(payer, count = 1) {
        const now = performance.now();
        takeAll(chargesOf(rates, payer, now), count, now);
      },
      allows(payer) {
        const now = performance.now();
        return areLeft(chargesOf(rates, payer, now), now);
      },
      of(payer) {
        const charges = chargesOf(rates, payer, performance.now());
        return {
          allows: () => areLeft(charges, performance.now()),
          take: () => takeAll(charges, 1, performance.now()),
        };
      },
      giveBack(payer, count = 1) {
        for (const { key, eachMs } of chargesOf(rates, payer, performance.now()))
          buckets.set(key, (buckets.get(key) ?? 0) - count * eachMs);
      },
    };

    function takeAll(charges: Charge[], count: number, now: number): void {
      for (const charge of charges) {
        const waitMs = waitOf(charge, count, now);
        // Sums of fractions are off by less than a microsecond.
        if (waitMs < 1) continue;
        onRefused(name, charge.scope);
        throw tooMany(name, charge.scope, Math.ceil(waitMs / 1000));
      }
      for (const { key, eachMs } of charges) buckets.set(key, Math.max(buckets.get(key) ?? 0, now) + count * eachMs);
    }

    function areLeft(charges: Charge[], now: number): boolean {
      for (const charge of charges) if (waitOf(charge, 1, now) >= 1) return false;
      return true;
    }

    function chargesOf(rates: Rates, payer: Payer, now: number): Charge[] {
      const { address, room } = payer;
      const factor = shares(address);
      const charges: Charge[] = memberChargeOf(rates, payer, now);
      if (rates.network)
        for (const [n, network] of networksOf(address).entries()) {
          const charge = chargeOf("network", rates.network, `${name} ${network}`);
          charge.eachMs /= factor * WIDER ** n;
          charges.push(charge);
        }
      const ofRoom: Charge[] = [];
      if (rates.newcomers && payer.isNew && room !== undefined)
        ofRoom.push(chargeOf("newcomers", rates.newcomers, `${name} new in ${room}`));
      if (rates.room && room !== undefined) ofRoom.push(chargeOf("room", rates.room, `${name} room ${room}`));
      for (const { key, eachMs, allMs } of ofRoom) {
        const share = networkShareOf((buckets.get(key) ?? 0) - now, allMs);
        if (share === undefined) continue;
        const shareMs = eachMs / Math.min(1, share * factor);
        for (const network of networksOf(address))
          charges.push({ scope: "network", key: `${key} of ${network}`, eachMs: shareMs, allMs });
      }
      return charges.concat(ofRoom);
    }

    function memberChargeOf({ member: rate, saved }: Rates, { member, isNew }: Payer, now: number): Charge[] {
      if (rate === undefined || member === undefined) return [];
      const usual = chargeOf("member", rate, `${name} ${member}`);
      if (saved === undefined || isNew || waitOf(usual, 1, now) < 1) return [usual];
      const spare = chargeOf("member", saved, `${name} saved by ${member}`);
      return [waitOf(spare, 1, now) < 1 ? spare : usual];
    }
  }

  /**
   * Returns the milliseconds until a bucket holds enough; 0 or less if it does. A bucket is the
   * time at which it will be full again (the generic cell rate algorithm), so a refused request
   * changes nothing, and one number is all there is.
   */
  function waitOf({ key, eachMs, allMs }: Charge, count: number, now: number): number {
    const fullAt = buckets.get(key);
    if (fullAt === undefined) return 0;
    return Math.max(0, fullAt - now) + Math.min(count * eachMs, allMs) - allMs;
  }
}

/**
 * Returns the part of a room's bucket that one network gets, if the bucket is full in `fullInMs`;
 * `undefined` for a room that is not crowded.
 */
function networkShareOf(fullInMs: number, allMs: number): number | undefined {
  const left = 1 - fullInMs / allMs;
  return left >= CROWDED ? undefined : NETWORK_SHARE * Math.max(left, LEFT_MIN);
}

const UNLIMITED: Allowance = { allows: () => true, take: () => undefined };
const NO_LIMIT: Limit = { take: () => undefined, allows: () => true, of: () => UNLIMITED, giveBack: () => undefined };

/**
 * One bucket of a payer: `eachMs` is how long it takes to refill what one request takes, `allMs` to
 * fill it.
 */
type Charge = { scope: Scope; key: string; eachMs: number; allMs: number };

function chargeOf(scope: Scope, { burst, perSecond }: Rate, key: string): Charge {
  const eachMs = 1000 / perSecond;
  return { scope, key, eachMs, allMs: burst * eachMs };
}

function tooMany(name: keyof typeof LIMITS, scope: Scope, seconds: number): Refusal {
  const refusal = refuse("too_many", `Too many ${name} ${FROM[scope]}. Try again in ${seconds} s.`, seconds);
  if (scope !== "member") refusal.share = scope === "network" ? "network" : "room";
  return refusal;
}

const FROM = {
  member: "from you",
  network: "from your network",
  room: "in this room",
  newcomers: "from newcomers in this room",
};
