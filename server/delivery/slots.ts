import { createRanking, type Ranking } from "./ranking.ts";

/** Describes a connection that asks for a slot. */
export type Visitor = {
  /**
   * The visitor's network, and the wider one around it if there is one: an IPv4 address, or the /64
   * and the /48 of an IPv6 address. All visitors of one network share its slots.
   */
  networks: readonly [string, ...string[]];
  /** How many addresses' shares the network has. */
  factor: number;
  /** The visitor's member, if it has a session. */
  member?: string | undefined;
  /**
   * Is the address a proxy's that forwards many visitors and is not in TRUST_PROXY? It has no share
   * of its own.
   */
  isManyVisitors?: boolean | undefined;
};

/** One connection's right to stay open. */
export type Slot<Occupant> = {
  readonly occupant: Occupant;
  readonly member: string | undefined;
  /** `undefined` once the slot is free. */
  holder: Holder<Occupant> | undefined;
  older: Slot<Occupant> | undefined;
  newer: Slot<Occupant> | undefined;
};

type Options<Occupant> = {
  max: number;
  /** The number of slots that a network with the factor 1 may hold. */
  networkMax: number;
  memberMax: number;
  /** Ends the connection of an occupant whose slot is free already. */
  dismiss(occupant: Occupant): void;
};

/**
 * A network that holds slots. Its load is the number of slots that it holds, divided by its factor.
 */
type Holder<Occupant> = {
  network: string;
  factor: number;
  isManyVisitors: boolean | undefined;
  wide: WideHolder<Occupant> | undefined;
  count: number;
  oldest: Slot<Occupant> | undefined;
  newest: Slot<Occupant> | undefined;
};

/**
 * A wider network that holds slots, such as a /48 of IPv6: a provider's many customers, or one
 * customer with 65,536 /64s. Its load is the number of shares that it holds, divided by WIDER.
 */
type WideHolder<Occupant> = {
  network: string;
  /** In millionths: a slot of a network with the factor 10 is a tenth of a share. */
  shares: number;
  holders: Ranking<Holder<Occupant>>;
};

/** A wider network counts as much as ten networks, as in the rate limits. */
const WIDER = 10;

const SHARE = 1_000_000;

/**
 * The slots of connections that stay open, limited in all and for each network and member. Taking
 * and freeing one takes the same time whatever their number.
 */
export class Slots<Occupant> {
  readonly #options: Options<Occupant>;
  /** Half of the slots: the rest of the world has the other half. */
  readonly #wideMax: number;
  readonly #holders = new Map<string, Holder<Occupant>>();
  readonly #wideHolders = new Map<string, WideHolder<Occupant>>();
  readonly #byMember = new Map<string, Slot<Occupant>[]>();
  readonly #ranking = createRanking<Holder<Occupant>>();
  readonly #wideRanking = createRanking<WideHolder<Occupant>>();
  #size = 0;

  constructor(options: Options<Occupant>) {
    this.#options = options;
    this.#wideMax = Math.max(options.networkMax, options.max / 2);
  }

  /** The number of slots taken. */
  get size(): number {
    return this.#size;
  }

  /**
   * Takes a slot, if need be by dismissing another occupant: the member's oldest, the network's
   * oldest, the oldest of the network that holds most within a wider network that is full, or when
   * all slots are taken the oldest of the network that holds most. Returns `undefined` if that is
   * the visitor's own network.
   */
  take(occupant: Occupant, visitor: Visitor): Slot<Occupant> | undefined {
    const { max, networkMax, memberMax } = this.#options;
    const ofMember = this.#byMember.get(visitor.member ?? "") ?? [];
    if (ofMember.length >= memberMax) this.#evict(ofMember[0]);
    const share = visitor.isManyVisitors ? Number.POSITIVE_INFINITY : networkMax * visitor.factor;
    if (this.heldBy(visitor) >= share) this.#evict(this.#holders.get(visitor.networks[0])?.oldest);
    const wide = this.#wideOf(visitor);
    if (wide && wide.shares >= this.#wideMax * SHARE) this.#evict(wide.holders.first()?.oldest);
    if (this.#size >= max) {
      const loser = this.#loserTo(visitor);
      if (loser === undefined) return undefined;
      this.#evict(loser.oldest);
    }
    return this.#put(occupant, visitor);
  }

  /** Frees a slot; does nothing if it is free. */
  free(slot: Slot<Occupant>): void {
    const { holder, older, newer, member } = slot;
    if (holder === undefined) return;
    slot.holder = undefined;
    if (older) older.newer = newer;
    else holder.oldest = newer;
    if (newer) newer.older = older;
    else holder.newest = older;
    this.#count(holder, -1);
    if (member === undefined) return;
    const others = this.#byMember.get(member)?.filter((other) => other !== slot) ?? [];
    if (others.length > 0) this.#byMember.set(member, others);
    else this.#byMember.delete(member);
  }

  /** Returns whether this visitor would get a slot now. */
  isOpenTo(visitor: Visitor): boolean {
    return this.#size < this.#options.max || this.#loserTo(visitor) !== undefined;
  }

  /** Returns whether all slots are taken and no newcomer gets one. */
  isFull(): boolean {
    if (this.#size < this.#options.max) return false;
    if (this.#highest() <= 1) return true;
    // Where all visitors come through one untrusted proxy, a slot can be taken from nobody else.
    const [holder] = this.#holders.values();
    return this.#holders.size === 1 && holder?.isManyVisitors === true;
  }

  /** Returns the number of slots that the visitor's network holds. */
  heldBy(visitor: Visitor): number {
    return this.#holders.get(visitor.networks[0])?.count ?? 0;
  }

  /**
   * Returns the network that loses a slot to the visitor when all are taken. It keeps as many as
   * the visitor's has then.
   */
  #loserTo(visitor: Visitor): Holder<Occupant> | undefined {
    const { factor } = visitor;
    const load = loadOf(this.#holders.get(visitor.networks[0]) ?? visitor, this.heldBy(visitor) + 1);
    const wide = this.#wideOf(visitor);
    const wideLoad = wide ? wideLoadOf(wide.shares + shareOfSlot(factor)) : 0;
    const [ranking, wideRanking] = [this.#ranking, this.#wideRanking];
    if (this.#highest() > Math.max(load, wideLoad))
      return wideRanking.highest() > ranking.highest() ? wideRanking.first()?.holders.first() : ranking.first();
    // The visitor's wider network holds most, but a network in it may hold more than the visitor's.
    return wide && wide.holders.highest() > load ? wide.holders.first() : undefined;
  }

  #highest(): number {
    return Math.max(this.#ranking.highest(), this.#wideRanking.highest());
  }

  #put(occupant: Occupant, visitor: Visitor): Slot<Occupant> {
    const { member } = visitor;
    const holder = this.#holders.get(visitor.networks[0]) ?? this.#newHolder(visitor);
    this.#holders.set(holder.network, holder);
    const slot = { occupant, member, holder, older: holder.newest, newer: undefined };
    if (holder.newest) holder.newest.newer = slot;
    holder.newest = slot;
    holder.oldest ??= slot;
    this.#count(holder, 1);
    if (member !== undefined) this.#byMember.set(member, [...(this.#byMember.get(member) ?? []), slot]);
    return slot;
  }

  #evict(slot: Slot<Occupant> | undefined): void {
    if (slot === undefined) return;
    this.free(slot);
    this.#options.dismiss(slot.occupant);
  }

  #wideOf({ networks: [, wider], isManyVisitors }: Visitor): WideHolder<Occupant> | undefined {
    if (wider === undefined || isManyVisitors) return undefined;
    return this.#wideHolders.get(wider) ?? { network: wider, shares: 0, holders: createRanking() };
  }

  #newHolder(visitor: Visitor): Holder<Occupant> {
    const { networks, factor, isManyVisitors } = visitor;
    const wide = this.#wideOf(visitor);
    return { network: networks[0], factor, isManyVisitors, wide, count: 0, oldest: undefined, newest: undefined };
  }

  #count(holder: Holder<Occupant>, change: 1 | -1): void {
    const { wide } = holder;
    const before = loadOf(holder, holder.count);
    holder.count += change;
    this.#size += change;
    const after = loadOf(holder, holder.count);
    this.#ranking.move(holder, before, after);
    if (holder.count === 0) this.#holders.delete(holder.network);
    if (wide === undefined) return;
    wide.holders.move(holder, before, after);
    const wideBefore = wideLoadOf(wide.shares);
    wide.shares += change * shareOfSlot(holder.factor);
    this.#wideRanking.move(wide, wideBefore, wideLoadOf(wide.shares));
    if (wide.shares > 0) this.#wideHolders.set(wide.network, wide);
    else this.#wideHolders.delete(wide.network);
  }
}

function loadOf({ factor }: { factor: number }, count: number): number {
  return Math.ceil(count / factor);
}

function wideLoadOf(shares: number): number {
  return Math.ceil(shares / (WIDER * SHARE));
}

/** In millionths. */
function shareOfSlot(factor: number): number {
  return Math.round(SHARE / factor);
}
