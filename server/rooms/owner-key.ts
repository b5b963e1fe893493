import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { StoredRole } from "../../db/log/rooms.ts";
import type { Member } from "../../protocol/event.ts";

/** Makes the key that makes any session the owner of a room, and the hash that is stored of it. */
export function newOwnerKey(): { text: string; hash: string } {
  const text = randomBytes(18).toString("base64url");
  return { text, hash: hashOf(text) };
}

/**
 * Returns whether this is the key with that hash. It has 144 random bits, so one round suffices.
 */
export function isOwnerKey(text: string, hash: string | null): boolean {
  if (hash === null || text === "") return false;
  return timingSafeEqual(Buffer.from(hashOf(text)), Buffer.from(hash));
}

/** Returns the two proofs of a member: its session, and its trip if it has one. */
export function rolesOf(member: Member | undefined): Omit<StoredRole, "role">[] {
  if (member === undefined) return [];
  const own = { kind: "member", value: member.id } as const;
  return member.trip === undefined ? [own] : [own, { kind: "trip", value: member.trip }];
}

function hashOf(text: string): string {
  return createHash("sha256").update(`owner key ${text}`).digest("base64url");
}
