/** How a line of the log reads, on the page that the server writes and on the one that the script goes on writing. */

/**
 * Splits a text at its http(s) addresses: every second piece is one. [RFC 3986 2] ASCII only, so that
 * 「https://example.jp/を見て」 ends before を and no look-alike host becomes a link; the last character is none of a
 * sentence's punctuation.
 */
export const ADDRESS = /(https?:\/\/[\w!#$%&()*+,\-./:;=?@[\]~]*[\w#$%&*+\-/=@~])/;

/**
 * Returns the text of the link to an address that ADDRESS found. It names the host as a browser reads it, in lower case:
 * paypaI.example is paypai.example. Returns "" for an address that is not to be a link, since its host could be taken for
 * another: behind a user (https://bank.example@evil.example), or in a spelling that a browser decodes (%61, 0x7f.1).
 */
export function linkText(address: string): string {
  const found = PLAIN_HOST.exec(address);
  if (found === null) return "";
  const site = found[1] as string;
  return site.toLowerCase() + address.slice(site.length);
}

/** A name whose last label begins with a letter, four decimals, or IPv6; behind it a port, and then the path or nothing. */
const PLAIN_HOST =
  /^(https?:\/\/(?:(?:[\w-]+\.)*[a-z][\w-]*|(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})|\[[\da-f:]+\])(?::\d+)?)(?:[/?#]|$)/i;

/** A speaker who goes on within five minutes, as people take a breath, is not named again. */
export const BREATH_MS = 300_000;

/** The first letter of a nickname, for the seal beside what its bearer says. */
export function sealOf(nickname: string): string {
  // a character beyond the first 65,536 is two of a string's
  const first = /^[\uD800-\uDBFF]?[\s\S]?/.exec(nickname);
  return (first?.[0] ?? "").toUpperCase();
}

/** Returns a whole number with a comma between thousands, and a text as it is. */
export function grouped(value: number | string): string {
  return typeof value === "number" ? String(value).replace(/\B(?=(\d{3})+$)/g, ",") : value;
}
