import { createRanking, type Ranking } from "./ranking.ts";

/** Describes a connection that asks for a place. */
export type Visitor = {
  /**
   * The visitor's network, and the wider one around it if there is one: an IPv4 address, or the /64 and the /48 of an
   * IPv6 address. All visitors of one network share its places.
   */
  networks: readonly [string, ...string[]];
  /** How many addresses' shares the network has. */
  factor: number;
  /** The visitor's member, if it has a session. */
  member?: string | undefined;
  /** The address is a proxy's that forwards many visitors and is not in TRUST_PROXY: it has no share of its own. */
  isManyVisitors?: boolean | undefined;
};

/** One connection's place. */
export type Place<Occupant> = {
  readonly occupant: Occupant;
  readonly member: string | undefined;
  /** `undefined` once the place is free. */
  holder: Holder<Occupant> | undefined;
  older: Place<Occupant> | undefined;
  newer: Place<Occupant> | undefined;
};

/** Connections that stay open, bounded in all and per network and member. */
export type Places<Occupant> = {
  /**
   * Gives a place, if need be by dismissing another: the member's oldest, the network's oldest, the oldest of the network
   * that holds most within a wider network that is full, or when all places are taken the oldest of the network that holds
   * most. Returns `undefined` if that is the visitor's own network.
   */
  take(occupant: Occupant, visitor: Visitor): Place<Occupant> | undefined;
  /** Frees a place; does nothing if it is free. */
  free(place: Place<Occupant>): void;
  /** Would this visitor get a place now? */
  isOpenTo(visitor: Visitor): boolean;
  /** Are all places taken, so that no newcomer gets one? */
  isFull(): boolean;
  /** How many places the visitor's network holds. */
  heldBy(visitor: Visitor): number;
  size(): number;
};

type Options<Occupant> = {
  max: number;
  /** How many places a network with the factor 1 may hold. */
  networkMax: number;
  memberMax: number;
  /** Ends the connection of an occupant whose place is free already. */
  dismiss(occupant: Occupant): void;
};

/** A network that holds places. Its load is the number of places that it holds, divided by its factor. */
type Holder<Occupant> = {
  network: string;
  factor: number;
  isManyVisitors: boolean | undefined;
  wide: WideHolder<Occupant> | undefined;
  count: number;
  oldest: Place<Occupant> | undefined;
  newest: Place<Occupant> | undefined;
};

/**
 * A wider network that holds places, such as a /48 of IPv6: a provider's many customers, or one customer with 65,536
 * /64s. Its load is the number of shares that it holds, divided by WIDER.
 */
type WideHolder<Occupant> = {
  network: string;
  /** In millionths: a place of a network with the factor 10 is a tenth of a share. */
  shares: number;
  holders: Ranking<Holder<Occupant>>;
};

/** A wider network counts as much as ten networks, as in the rate limits. */
const WIDER = 10;

const SHARE = 1_000_000;

/** Creates places. Taking and freeing one takes the same time however many there are. */
export function createPlaces<Occupant>(options: Options<Occupant>): Places<Occupant> {
  const { max, networkMax, memberMax, dismiss } = options;
  // Half of the places: the rest of the world has the other half.
  const wideMax = Math.max(networkMax, max / 2);
  type Held = Holder<Occupant>;
  type Wide = WideHolder<Occupant>;
  const holders = new Map<string, Held>();
  const wides = new Map<string, Wide>();
  const byMember = new Map<string, Place<Occupant>[]>();
  const ranking = createRanking<Held>();
  const wideRanking = createRanking<Wide>();
  let size = 0;

  return { take, free, isOpenTo, isFull, heldBy, size: () => size };

  function take(occupant: Occupant, visitor: Visitor): Place<Occupant> | undefined {
    const ofMember = byMember.get(visitor.member ?? "") ?? [];
    if (ofMember.length >= memberMax) evict(ofMember[0]);
    if (heldBy(visitor) >= shareOf(visitor)) evict(holders.get(visitor.networks[0])?.oldest);
    const wide = wideOf(visitor);
    if (wide && wide.shares >= wideMax * SHARE) evict(wide.holders.first()?.oldest);
    if (size >= max) {
      const loser = loserTo(visitor);
      if (loser === undefined) return undefined;
      evict(loser.oldest);
    }
    return put(occupant, visitor);
  }

  function isOpenTo(visitor: Visitor): boolean {
    return size < max || loserTo(visitor) !== undefined;
  }

  function isFull(): boolean {
    if (size < max) return false;
    if (highest() <= 1) return true;
    // Where everyone comes through one proxy that is not trusted, a place can be taken from nobody else.
    const [holder] = holders.values();
    return holders.size === 1 && holder?.isManyVisitors === true;
  }

  function heldBy(visitor: Visitor): number {
    return holders.get(visitor.networks[0])?.count ?? 0;
  }

  /** Returns the network that loses a place to the visitor when all are taken. It keeps as many as the visitor's has then. */
  function loserTo(visitor: Visitor): Held | undefined {
    const { factor } = visitor;
    const load = loadOf(holders.get(visitor.networks[0]) ?? visitor, heldBy(visitor) + 1);
    const wide = wideOf(visitor);
    const wideLoad = wide ? wideLoadOf(wide.shares + shareOfPlace(factor)) : 0;
    if (highest() > Math.max(load, wideLoad))
      return wideRanking.highest() > ranking.highest() ? wideRanking.first()?.holders.first() : ranking.first();
    // The visitor's wider network holds most, but a network in it may hold more than the visitor's.
    return wide && wide.holders.highest() > load ? wide.holders.first() : undefined;
  }

  function highest(): number {
    return Math.max(ranking.highest(), wideRanking.highest());
  }

  function put(occupant: Occupant, visitor: Visitor): Place<Occupant> {
    const { member } = visitor;
    const holder = holders.get(visitor.networks[0]) ?? newHolder(visitor);
    holders.set(holder.network, holder);
    const place = { occupant, member, holder, older: holder.newest, newer: undefined };
    if (holder.newest) holder.newest.newer = place;
    holder.newest = place;
    holder.oldest ??= place;
    count(holder, 1);
    if (member !== undefined) byMember.set(member, [...(byMember.get(member) ?? []), place]);
    return place;
  }

  function free(place: Place<Occupant>): void {
    const { holder, older, newer, member } = place;
    if (holder === undefined) return;
    place.holder = undefined;
    if (older) older.newer = newer;
    else holder.oldest = newer;
    if (newer) newer.older = older;
    else holder.newest = older;
    count(holder, -1);
    if (member === undefined) return;
    const others = byMember.get(member)?.filter((other) => other !== place) ?? [];
    if (others.length > 0) byMember.set(member, others);
    else byMember.delete(member);
  }

  function evict(place: Place<Occupant> | undefined): void {
    if (place === undefined) return;
    free(place);
    dismiss(place.occupant);
  }

  function shareOf({ factor, isManyVisitors }: Visitor): number {
    return isManyVisitors ? Number.POSITIVE_INFINITY : networkMax * factor;
  }

  function wideOf({ networks: [, wider], isManyVisitors }: Visitor): Wide | undefined {
    return wider === undefined || isManyVisitors ? undefined : (wides.get(wider) ?? newWide(wider));
  }

  function newHolder(visitor: Visitor): Held {
    const { networks, factor, isManyVisitors } = visitor;
    const wide = wideOf(visitor);
    return { network: networks[0], factor, isManyVisitors, wide, count: 0, oldest: undefined, newest: undefined };
  }

  function newWide(network: string): Wide {
    return { network, shares: 0, holders: createRanking() };
  }

  function count(holder: Held, change: 1 | -1): void {
    const { wide } = holder;
    const before = loadOf(holder, holder.count);
    holder.count += change;
    size += change;
    const after = loadOf(holder, holder.count);
    ranking.move(holder, before, after);
    if (holder.count === 0) holders.delete(holder.network);
    if (wide === undefined) return;
    wide.holders.move(holder, before, after);
    const wideBefore = wideLoadOf(wide.shares);
    wide.shares += change * shareOfPlace(holder.factor);
    wideRanking.move(wide, wideBefore, wideLoadOf(wide.shares));
    if (wide.shares > 0) wides.set(wide.network, wide);
    else wides.delete(wide.network);
  }
}

function loadOf({ factor }: { factor: number }, count: number): number {
  return Math.ceil(count / factor);
}

function wideLoadOf(shares: number): number {
  return Math.ceil(shares / (WIDER * SHARE));
}

/** In millionths. */
function shareOfPlace(factor: number): number {
  return Math.round(SHARE / factor);
}
