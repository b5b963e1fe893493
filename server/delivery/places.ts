/** Describes a connection that asks for a place. */
export type Visitor = {
  /** The visitor's network, however it is named: all visitors of one name share its places. */
  network: string;
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
   * Gives a place, if need be by dismissing another: the member's oldest, the network's oldest, or when all places are
   * taken the oldest of the network that holds most. Returns `undefined` if that is the visitor's own network.
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

/** A network that holds places. Its load is how many it holds, divided by its factor. */
type Holder<Occupant> = {
  network: string;
  factor: number;
  isManyVisitors: boolean | undefined;
  count: number;
  oldest: Place<Occupant> | undefined;
  newest: Place<Occupant> | undefined;
};

/** Creates places. Taking and freeing one, and finding the network that holds most, takes the same time however many there are. */
export function createPlaces<Occupant>(options: Options<Occupant>): Places<Occupant> {
  const { max, networkMax, memberMax, dismiss } = options;
  type Held = Holder<Occupant>;
  const holders = new Map<string, Held>();
  const byMember = new Map<string, Place<Occupant>[]>();
  /** The holders of each load; `highest` is the highest with a holder. */
  const byLoad = new Map<number, Set<Held>>();
  let highest = 0;
  let size = 0;

  return { take, free, isOpenTo, isFull, heldBy, size: () => size };

  function take(occupant: Occupant, visitor: Visitor): Place<Occupant> | undefined {
    const ofMember = byMember.get(visitor.member ?? "") ?? [];
    if (ofMember.length >= memberMax) evict(ofMember[0]);
    if (heldBy(visitor) >= shareOf(visitor)) evict(holders.get(visitor.network)?.oldest);
    if (!isOpenTo(visitor)) return undefined;
    if (size >= max) evict(greediest()?.oldest);
    return put(occupant, visitor);
  }

  function isOpenTo(visitor: Visitor): boolean {
    if (size < max) return true;
    const holder = holders.get(visitor.network) ?? newHolder(visitor);
    return highest > loadOf(holder, holder.count + 1);
  }

  function isFull(): boolean {
    if (size < max) return false;
    if (highest <= 1) return true;
    // Where everyone comes through one proxy that is not trusted, a place can be taken from nobody else.
    const [holder] = holders.values();
    return holders.size === 1 && holder?.isManyVisitors === true;
  }

  function heldBy(visitor: Visitor): number {
    return holders.get(visitor.network)?.count ?? 0;
  }

  function put(occupant: Occupant, visitor: Visitor): Place<Occupant> {
    const { member } = visitor;
    const holder = holders.get(visitor.network) ?? newHolder(visitor);
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
    if (holder.count === 0) holders.delete(holder.network);
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

  function newHolder({ network, factor, isManyVisitors }: Visitor): Held {
    return { network, factor, isManyVisitors, count: 0, oldest: undefined, newest: undefined };
  }

  function greediest(): Held | undefined {
    for (const holder of byLoad.get(highest) ?? []) return holder;
    return undefined;
  }

  /** Loads change by at most one, so after the last holder of the highest has left it, the next lower one has one. */
  function count(holder: Held, change: 1 | -1): void {
    const before = loadOf(holder, holder.count);
    holder.count += change;
    size += change;
    const load = loadOf(holder, holder.count);
    if (load === before) return;
    const left = byLoad.get(before);
    left?.delete(holder);
    if (left?.size === 0) byLoad.delete(before);
    if (load > 0) byLoad.set(load, (byLoad.get(load) ?? new Set()).add(holder));
    highest = Math.max(highest, load);
    if (!byLoad.has(highest)) highest -= 1;
  }
}

function loadOf({ factor }: { factor: number }, count: number): number {
  return Math.ceil(count / factor);
}
