import { SLUG_LENGTH, TITLE_LENGTH } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";
import { isDisplayable, isTooLong } from "./displayable.ts";
import { hasTripSign } from "./trip-sign.ts";

/**
 * Returns a room's name in its one spelling: NFKC, lower case; letters, digits, `-` and `_` of any
 * script. Returns `undefined` if it is no room's name.
 */
export function readSlug(typed: string): string | undefined {
  if (typed.length <= SLUG_LENGTH && PLAIN.test(typed)) return typed;
  if (isTooLong(typed, SLUG_LENGTH) || !typed.isWellFormed()) return undefined;
  const slug = typed.normalize("NFKC").toLowerCase();
  return SLUG.test(slug) && isDisplayable(slug, SLUG_LENGTH) ? slug : undefined;
}

/** Returns a title as it is shown, in one line; the slug if none was typed. Throws `malformed`. */
export function readTitle(typed: string | undefined, slug: string): string {
  if (typed === undefined) return slug;
  if (isTooLong(typed, TITLE_LENGTH) || !typed.isWellFormed()) throw invalidTitle();
  const title = typed.normalize("NFC").trim().replace(/\s+/gu, " ");
  if (title === "") return slug;
  if (!isDisplayable(title, TITLE_LENGTH) || hasTripSign(title)) throw invalidTitle();
  return title;
}

function invalidTitle(): Error {
  return refuse("malformed", "A title is one line of at most 80 visible characters, without diamonds.");
}

/** Most names. The full check takes 4 µs, and each message needs two. */
const PLAIN = /^[a-z0-9_-]+$/;

const SLUG = /^[\p{L}\p{N}_-][\p{L}\p{N}\p{M}_-]*$/u;
