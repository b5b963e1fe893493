import type { Member } from "../../protocol/event.ts";
import type { Role } from "../../protocol/room-settings.ts";

/**
 * The part of a request that says which user of the host sends it: a bearer token that is not ours,
 * or else the cookies that are not ours. Neither, if the request may not be answered for anybody.
 */
export type Credentials = { authorization?: string; cookie?: string };

/**
 * A user of the host, the role that the host gives them in every room, and when that ends, in
 * milliseconds since 1970, if it is known.
 */
export type FoundUser = { member: Member; role?: Role; expiresAt?: number };

/** [RFC 6265] The cookies of this site, under each of their names. */
const OURS = /^(__Host-)?chattera(-|$)/;

/** Returns the cookies that the host may see: those with these names, or all except ours. */
export function hostCookies(header: string | undefined, names: readonly string[]): string | undefined {
  if (header === undefined) return undefined;
  const cookies = header
    .split(";")
    .map((cookie) => cookie.trim())
    .filter((cookie) => {
      const name = cookie.split("=", 1)[0] as string;
      return names.length > 0 ? names.includes(name) : cookie !== "" && !OURS.test(name);
    });
  return cookies.length === 0 ? undefined : cookies.join("; ");
}

/** Returns the value of a cookie in a header. */
export function cookieIn(header: string | undefined, name: string): string | undefined {
  const found = header
    ?.split(";")
    .map((cookie) => cookie.trim())
    .find((cookie) => cookie.startsWith(`${name}=`));
  return found?.slice(name.length + 1) || undefined;
}
