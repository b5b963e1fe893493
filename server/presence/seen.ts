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
  const seen = new Map<string, Seen>();
  return { note, takeExcept };

  function note(place: Membership, at: number): void {
    const key = keyOf(place);
    const known = seen.get(key);
    if (known) known.at = Math.max(known.at, at);
    else seen.set(key, { roomId: place.roomId, memberId: place.memberId, at });
  }

  function takeExcept(present: ReadonlySet<string>): Seen[] {
    const taken = [...seen].filter(([key]) => !present.has(key));
    for (const [key] of taken) seen.delete(key);
    return taken.map(([, one]) => one);
  }
}

/** Returns the key of a member in a room. */
export function keyOf({ roomId, memberId }: Membership): string {
  return `${roomId} ${memberId}`;
}
