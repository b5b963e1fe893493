import type { Reading } from "../core/transport.ts";

/**
 * Where the site is (`base` ends without a slash), and who speaks: the token of who is not known by a cookie, or the
 * page's proof that it is ours, for a site behind a proxy that does not pass its name on.
 */
export type Address = { base: string; token?: string; formToken?: string };

/** The URL of a stream or a poll. The nonce makes each one new to caches. */
export function readingUrl(address: Address, path: string, reading: Reading): string {
  let query = `room=${encodeURIComponent(reading.room)}&n=${reading.nonce}`;
  if (reading.after !== "") query += `&after=${encodeURIComponent(reading.after)}`;
  if (address.token !== undefined) query += `&token=${encodeURIComponent(address.token)}`;
  return `${address.base}${path}?${query}`;
}
