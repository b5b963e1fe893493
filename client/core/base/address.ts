import type { Clock } from "./environment.ts";

/** The ticket that replaces the token in URLs, and what waits for it, see tickets.ts. */
export type Tickets = {
  clock: Clock;
  ticket?: string | undefined;
  /** No other ticket is requested before: there is one, or the last request failed. */
  until: number;
  retryMs: number;
  waiting: (() => void)[];
};

/**
 * The site's address (`base` ends without a slash) and the client's proof of identity: its `token`
 * if it has no cookie, or the page's `formToken`, for a site behind a proxy that hides the site's
 * name. `nickname` is the cookie's, and gets a token where only GET passes.
 */
export type Address = {
  base: string;
  token?: string;
  formToken?: string;
  nickname?: string;
  /** Set if tickets are used. */
  tickets?: Tickets;
  /** Something on the way refuses or removes parameters in paths, so they are sent in the query. */
  isQuery?: boolean;
};

/** Returns a URL's proof: the ticket, else the token, or nothing if the cookie is the proof. */
export function proofParam({ tickets, token }: Address): string {
  if (tickets?.ticket && tickets.clock.now() < tickets.until) return param("ticket", tickets.ticket);
  return token === undefined ? "" : param("token", token);
}

/**
 * Returns a parameter for the path. [networks 4] There it survives networks that strip queries, and
 * is new to caches that leave queries out of a page's name.
 */
export function param(name: string, value: string): string {
  return `;${name}=${encodeURIComponent(value)}`;
}

/** Returns a URL with its parameters where they pass on this network. */
export function placed({ isQuery }: Address, url: string): string {
  return isQuery ? inQuery(url) : url;
}

/** Returns a URL with its parameters in the query. */
export function inQuery(url: string): string {
  const parts = url.split(";");
  let whole = parts[0] as string;
  for (let i = 1; i < parts.length; i++) whole += (i === 1 ? "?" : "&") + parts[i];
  return whole;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Returns a parameter with any text in it, as base64url of its UTF-8. [Apache AllowEncodedSlashes,
 * nginx proxy_pass] `%2F` and `%3B` do not survive in the path, and a Japanese character takes four
 * characters here instead of nine.
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
