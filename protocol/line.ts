/**
 * How a line of the log reads, both on the page from the server and in the lines that a script
 * adds.
 */

/**
 * Splits a text at its http(s) addresses: every second piece is an address. [RFC 3986 2] ASCII
 * only, so that 「https://example.jp/を見て」 ends before を and no look-alike host becomes a link. The
 * last character is never the punctuation of a sentence.
 */
export const ADDRESS = /(https?:\/\/[\w!#$%&()*+,\-./:;=?@[\]~]*[\w#$%&*+\-/=@~])/;

/**
 * Returns the text of the link to an address that ADDRESS found. The host is in lower case, as a
 * browser reads it: paypaI.example becomes paypai.example. Returns "" for an address that must not
 * become a link, because its host could be mistaken for another: after a user
 * (https://bank.example@evil.example), or in a spelling that a browser decodes (%61, 0x7f.1).
 */
export function linkText(address: string): string {
  const found = PLAIN_HOST.exec(address);
  if (found === null) return "";
  const site = found[1] as string;
  return site.toLowerCase() + address.slice(site.length);
}

/**
 * A name whose last label begins with a letter, four decimals, or IPv6; then an optional port; then
 * the path or the end.
 */
const PLAIN_HOST =
  /^(https?:\/\/(?:(?:[\w-]+\.)*[a-z][\w-]*|(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})|\[[\da-f:]+\])(?::\d+)?)(?:[/?#]|$)/i;

/** The nickname is not repeated when the same person writes again within five minutes. */
export const SAME_SPEAKER_MS = 300_000;

/** Returns the first letter of a nickname, for the seal next to that person's messages. */
export function sealOf(nickname: string): string {
  // A character beyond U+FFFF takes two code units of a string.
  const first = /^[\uD800-\uDBFF]?[\s\S]?/.exec(nickname);
  return (first?.[0] ?? "").toUpperCase();
}

/** Returns a whole number with commas between thousands, and a text unchanged. */
export function grouped(value: number | string): string {
  return typeof value === "number" ? String(value).replace(/\B(?=(\d{3})+$)/g, ",") : value;
}
