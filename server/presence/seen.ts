import type { Membership } from "../../db/log/members.ts";

/** A member in a room, and when it was last seen there. */
export type Seen = Membership & { at: number };

/** Members that were seen but are not yet written to the database. */
export type SeenMembers = {
  /** Notes when a member was seen; an earlier time than the known one changes nothing. */
  note(place: Membership, at: number): void;
  /** Takes all out whose key is not among `present`. */
  takeExcept(present: ReadonlySet<string>): Seen[];
};

/** Creates an empty set of seen members. */
export function createSeenMembers(): SeenMembers {
  // By room and member: 10,000 polls a second note their members twice each, and would build a key each time.
  const rooms = new Map<number, Map<string, Seen>>();
  return { note, takeExcept };

  function note({ roomId, memberId }: Membership, at: number): void {
    const known = rooms.get(roomId)?.get(memberId);
    if (known) known.at = Math.max(known.at, at);
    else add({ roomId, memberId, at });
  }

  function add(seen: Seen): void {
    const members = rooms.get(seen.roomId);
    if (members) members.set(seen.memberId, seen);
    else rooms.set(seen.roomId, new Map([[seen.memberId, seen]]));
  }

  function takeExcept(present: ReadonlySet<string>): Seen[] {
    const all = [...rooms.values()].flatMap((members) => [...members.values()]);
    const taken = all.filter((seen) => !present.has(keyOf(seen)));
    for (const { roomId, memberId } of taken) {
      rooms.get(roomId)?.delete(memberId);
      if (rooms.get(roomId)?.size === 0) rooms.delete(roomId);
    }
    return taken;
  }
}

/** Returns the key of a member in a room. */
export function keyOf({ roomId, memberId }: Membership): string {
  return `${roomId} ${memberId}`;
}
