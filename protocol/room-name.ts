import { SLUG_LENGTH } from "./limits.ts";

/**
 * Proposes a room's name for its title: "Tea & talk" becomes `tea-talk`. Returns "" if nothing of
 * the title can be in a name.
 */
export function roomNameFor(title: string): string {
  const name = title
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_]+/gu, "-");
  return [...name.replace(/^[-\p{M}]+/u, "")].slice(0, SLUG_LENGTH).join("").replace(/-+$/, "");
}
