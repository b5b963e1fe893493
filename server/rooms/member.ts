import { createHash, randomUUID } from "node:crypto";
import type { Member } from "../../protocol/event.ts";
import { COLORS } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";
import { readNickname } from "./nickname.ts";

/**
 * Makes a member of what somebody typed: a nickname, `#secret` behind it for a trip, and a colour `#rrggbb` or one by
 * the nickname. `id` is that of who had a session before. Throws `nickname_invalid`, `malformed`.
 */
export function readMember(
  typed: string,
  color: string | undefined,
  tripOf: (secret: string) => string,
  id: string = randomUUID(),
): Member {
  const { nickname, secret } = readNickname(typed);
  if (color !== undefined && !/^#[0-9a-f]{6}$/i.test(color)) throw refuse("malformed", "color: #rrggbb");
  const member: Member = { id, nickname, color: color?.toLowerCase() ?? colorOf(nickname) };
  if (secret !== undefined) member.trip = tripOf(secret);
  return member;
}

/** The same nickname has the same colour everywhere. */
function colorOf(nickname: string): string {
  const byte = createHash("sha256").update(nickname).digest()[0] as number;
  return COLORS[byte % COLORS.length] as string;
}
