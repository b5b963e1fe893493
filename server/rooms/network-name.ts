import { createHmac } from "node:crypto";

/**
 * Returns the name under which the database counts a network: a keyed hash, so that no table
 * reveals where anybody is. Each use has its own names, so that the makers of rooms cannot be found
 * among the members.
 */
export function nameNetwork(secret: string, use: "creator" | "member", network: string): string {
  return createHmac("sha256", secret).update(`${use} ${network}`).digest("base64url").slice(0, 16);
}
