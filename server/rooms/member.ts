import { createHash, randomUUID } from "node:crypto";
import type { Member } from "../../protocol/event.ts";
import { COLORS } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";
import { readNickname } from "./nickname.ts";

/**
 * Makes a member of what somebody typed: a nickname, `#secret` behind it for a trip, and a colour `#rrggbb` or one by
 * the nickname. Who had a session `before` is the same person, and under the same nickname keeps the trip without the
 * secret, and the colour. Throws `nickname_invalid`, `malformed`.
 */
export function readMember(
  typed: string,
  color: string | undefined,
  tripOf: (secret: string) => string,
  before?: Member,
): Member {
  const { nickname, secret } = readNickname(typed);
  if (color !== undefined && !/^#[0-9a-f]{6}$/i.test(color)) throw refuse("malformed", "color: #rrggbb");
  const kept = before?.nickname === nickname ? before : undefined;
  const id = before?.id ?? randomUUID();
  const member = { id, nickname, color: color?.toLowerCase() ?? kept?.color ?? colorOf(nickname) };
  const trip = secret !== undefined ? tripOf(secret) : kept?.trip;
  return trip === undefined ? member : { ...member, trip };
}

/** The same nickname has the same colour everywhere. */
function colorOf(nickname: string): string {
  const byte = createHash("sha256").update(nickname).digest()[0] as number;
  return COLORS[byte % COLORS.length] as string;
}
