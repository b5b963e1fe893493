import type { Reading } from "./transport.ts";

/**
 * The site's address (`base` ends without a slash) and the client's proof: its `token` if it has no cookie, or the page's
 * `formToken`, for a site behind a proxy that does not pass its name on. `nickname` is the cookie's and gets a token
 * where only GET passes. `ticket` returns the ticket that replaces the token in URLs, and `ready` calls back when a URL
 * can be made; see tickets.ts.
 */
export type Address = {
  base: string;
  token?: string;
  formToken?: string;
  nickname?: string;
  ticket?: () => string | undefined;
  ready?: (done: () => void) => void;
};

/** The URL of a stream or a poll. */
export function readingUrl(address: Address, path: string, reading: Reading): string {
  let url = address.base + path;
  for (let i = 0; i < reading.rooms.length; i++) url += param("room", reading.rooms[i] as string);
  for (let i = 0; i < reading.after.length; i++) url += param("after", reading.after[i] as string);
  if (reading.ping > 0) url += param("ping", String(reading.ping));
  if (reading.late) url += param("late", "1");
  return url + proofParam(address) + param("n", reading.nonce);
}

/** Returns the URL's proof: the ticket, or the token if there is no ticket, or nothing if the cookie is the proof. */
export function proofParam(address: Address): string {
  const ticket = address.ticket?.();
  if (ticket) return param("ticket", ticket);
  return address.token === undefined ? "" : param("token", address.token);
}

/**
 * [networks 4] A parameter in the path, where it survives networks that strip queries and is new to caches that leave
 * queries out of a page's name.
 */
export function param(name: string, value: string): string {
  return `;${name}=${encodeURIComponent(value)}`;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * A parameter with any text in it, as base64url of its UTF-8: [Apache AllowEncodedSlashes, nginx proxy_pass] `%2F` and
 * `%3B` do not survive the path, and a Japanese character takes four characters here instead of nine.
 */
export function textParam(name: string, text: string): string {
  const percent = encodeURIComponent(text);
  let bits = 0;
  let held = 0;
  let out = "";
  for (let i = 0; i < percent.length; i++) {
    let byte = percent.charCodeAt(i);
    if (byte === 37) {
      byte = parseInt(percent.slice(i + 1, i + 3), 16);
      i += 2;
    }
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out += ALPHABET.charAt((held >> bits) & 63);
    }
    held &= 63;
  }
  if (bits > 0) out += ALPHABET.charAt((held << (6 - bits)) & 63);
  return `;${name}64=${out}`;
}
