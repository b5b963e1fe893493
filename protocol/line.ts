/** How a line of the log reads, on the page that the server writes and on the one that the script goes on writing. */

/**
 * Splits a text at its http(s) addresses: every second piece is one. [RFC 3986 2] ASCII only, so that
 * 「https://example.jp/を見て」 ends before を and no look-alike host becomes a link; the last character is none of a
 * sentence's punctuation.
 */
export const ADDRESS = /(https?:\/\/[\w!#$%&()*+,\-./:;=?@[\]~]*[\w#$%&*+\-/=@~])/;

/** A speaker who goes on within five minutes, as people take a breath, is not named again. */
export const BREATH_MS = 300_000;

/** The first letter of a nickname, for the seal beside what its bearer says. */
export function sealOf(nickname: string): string {
  // a character beyond the first 65,536 is two of a string's
  const first = /^[\uD800-\uDBFF]?[\s\S]?/.exec(nickname);
  return (first?.[0] ?? "").toUpperCase();
}

/** Returns a whole number with a comma between thousands. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}
