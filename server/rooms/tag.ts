import { createHash } from "node:crypto";

/** Letters and digits of which none looks like another. */
const CHARACTERS = "23456789abcdefghjkmnpqrstuvwxyz";

/**
 * Returns three characters that mark a member whose nickname was someone else's a while ago: 30,000
 * of them.
 */
export function tagOf(memberId: string): string {
  const digest = createHash("sha256").update(`tag ${memberId}`).digest();
  return [...digest.subarray(0, 3)].map((byte) => CHARACTERS[byte % CHARACTERS.length]).join("");
}
