import type { Membership } from "../../db/log/members.ts";

/** A member in a room, and when it was last seen there. */
type SeenMember = Membership & { at: number };

/** The members that were seen but are not yet written to the database. */
export class SeenMembers {
  /**
   * By room and member: 10,000 polls a second note their members twice each, and would build a key
   * each time.
   */
  readonly #rooms = new Map<number, Map<string, SeenMember>>();

  /** Notes when a member was seen. A time earlier than the known one changes nothing. */
  note({ roomId, memberId }: Membership, at: number): void {
    const known = this.#rooms.get(roomId)?.get(memberId);
    if (known) known.at = Math.max(known.at, at);
    else this.#add({ roomId, memberId, at });
  }

  /** Returns whether a member was noted and not yet taken out. */
  has({ roomId, memberId }: Membership): boolean {
    return this.#rooms.get(roomId)?.has(memberId) === true;
  }

  /** Takes out all members whose key is not among `present`. */
  takeExcept(present: ReadonlySet<string>): SeenMember[] {
    const all = [...this.#rooms.values()].flatMap((members) => [...members.values()]);
    const taken = all.filter((seen) => !present.has(keyOf(seen)));
    for (const { roomId, memberId } of taken) {
      this.#rooms.get(roomId)?.delete(memberId);
      if (this.#rooms.get(roomId)?.size === 0) this.#rooms.delete(roomId);
    }
    return taken;
  }

  #add(seen: SeenMember): void {
    const members = this.#rooms.get(seen.roomId);
    if (members) members.set(seen.memberId, seen);
    else this.#rooms.set(seen.roomId, new Map([[seen.memberId, seen]]));
  }
}

/** Returns the key of a member in a room. */
export function keyOf({ roomId, memberId }: Membership): string {
  return `${roomId} ${memberId}`;
}
