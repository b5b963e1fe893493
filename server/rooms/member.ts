import { createHash, randomUUID } from "node:crypto";
import type { Member } from "../../protocol/event.ts";
import { COLORS } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";
import { colorSchema } from "../wire.ts";
import { readNickname } from "./nickname.ts";

/** A site's rules for names: the reserved ones, and the trip of a secret. */
export type Names = {
  isReserved(nickname: string): boolean;
  /** Takes about 70 ms, and may be refused. */
  tripOf(nickname: string, secret: string): Promise<string>;
};

/**
 * The text that a person typed: a nickname, with `#secret` after it for a trip, and a color
 * `#rrggbb`.
 */
export type TypedMember = { nickname: string; color: string | undefined };

/**
 * Makes a member. Without a color, it gets one by its nickname. A person who had a session `before`
 * keeps the id, and under the same nickname keeps the trip without the secret, and the color.
 * Throws `nickname_invalid`, `secret_invalid`, `reserved`, `malformed` and `too_many`.
 */
export async function readMember(
  { nickname: typed, color }: TypedMember,
  { isReserved, tripOf }: Names,
  before?: Member,
): Promise<Member> {
  const { nickname, secret } = readNickname(typed);
  if (isReserved(nickname)) throw refuse("reserved");
  if (color !== undefined && !colorSchema.safeParse(color).success) throw refuse("malformed", "color: #rrggbb");
  const kept = before?.nickname === nickname ? before : undefined;
  const id = before?.id ?? randomUUID();
  const member = { id, nickname, color: color?.toLowerCase() ?? kept?.color ?? colorOf(nickname) };
  const trip = secret !== undefined ? await tripOf(nickname, secret) : kept?.trip;
  return trip === undefined ? member : { ...member, trip };
}

/** Returns the color of a nickname, which is the same everywhere. */
export function colorOf(nickname: string): string {
  const byte = createHash("sha256").update(nickname).digest()[0] as number;
  return COLORS[byte % COLORS.length] as string;
}
