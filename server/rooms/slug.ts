import { SLUG_LENGTH, TITLE_LENGTH } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";

/** The one way to write a room's name: NFKC, lower case; letters, digits, `-` and `_` of any script. `undefined` if it is none. */
export function readSlug(typed: string): string | undefined {
  if (!typed.isWellFormed()) return undefined;
  const slug = typed.normalize("NFKC").toLowerCase();
  return SLUG.test(slug) && [...slug].length <= SLUG_LENGTH ? slug : undefined;
}

/** A title as it is shown: one line without controls, the slug if there is none. Throws `malformed`. */
export function readTitle(typed: string | undefined, slug: string): string {
  const title = (typed ?? "").normalize("NFC").trim().replace(/\s+/gu, " ");
  if (!title.isWellFormed() || [...title].length > TITLE_LENGTH || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(title))
    throw refuse("malformed", "A title is one line of at most 80 characters.");
  return title || slug;
}

const SLUG = /^[\p{L}\p{N}_-][\p{L}\p{N}\p{M}_-]*$/u;
