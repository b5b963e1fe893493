import type { Reader } from "./reader.ts";

/** The part of a reader that says who reads. */
type Watching = Pick<Reader, "memberId" | "browser" | "nonce">;

/**
 * Returns the name of the watcher that has a connection: its browser, else its page, else its
 * session. Returns `undefined` for a program that names none of them. Names are not secret and not
 * proved, so nothing but a count depends on them.
 */
export function watcherOf({ memberId, browser, nonce }: Watching): string | undefined {
  return browser ?? pageOf(nonce) ?? memberId;
}

/** Returns the page that a nonce names, `PAGE.REQUEST`, if it names one. */
export function pageOf(nonce: string | undefined): string | undefined {
  const end = nonce?.indexOf(".") ?? -1;
  return end > 0 && end <= NAME_MAX ? nonce?.slice(0, end) : undefined;
}

const NAME_MAX = 16;

/** Returns all names of the watcher that has a connection. */
export function namesOf({ browser, nonce }: Watching): string[] {
  return [browser, pageOf(nonce)].filter((name) => name !== undefined);
}

/**
 * Returns a name as a number for the database, which needs to compare names only. Two of 200 names
 * have the same number in one of 200,000 rooms.
 */
export function numberOf(name: string): number {
  // [FNV-1a]
  let hash = 0x811c9dc5;
  for (let n = 0; n < name.length; n += 1) hash = Math.imul(hash ^ name.charCodeAt(n), 0x01000193);
  return hash | 0;
}
