import { hkdfSync, scrypt } from "node:crypto";
import { promisify } from "node:util";
import pLimit from "p-limit";
import { refuse } from "../refusal.ts";
import { TRIP_SIGN } from "./trip-sign.ts";

/**
 * Computes trips: ◆ and twelve letters that show that two visits were by a person who knows the
 * same secret.
 */
export type Trips = {
  /**
   * Computes a trip in about 70 ms, on another thread. Throws `too_many` if too many are waiting.
   */
  of(nickname: string, secret: string): Promise<string>;
};

/**
 * Creates the trips of one site. The nickname is part of a trip, so that a guess tests one name
 * only, and the same secret does not link two names. It is folded by NFKC and case alone: both are
 * stable, while a skeleton changes with Unicode's data.
 */
export function createTrips(siteSecret: string): Trips {
  const salt = Buffer.from(hkdfSync("sha256", siteSecret, "", "chattera trip", 32));
  const limit = pLimit(AT_ONCE);
  return {
    of: async (nickname, secret) => {
      if (limit.pendingCount >= QUEUE) throw refuse("too_many", "Too many trips are being computed.", RETRY_SECONDS);
      const text = `${nickname.normalize("NFKC").toLowerCase()}#${secret}`;
      const key = await limit(() => stretch(text, salt, BYTES, COST));
      return `${TRIP_SIGN}${key.toString("base64")}`;
    },
  };
}

const stretch = promisify<string, Buffer, number, object, Buffer>(scrypt);

/**
 * [RFC 7914] One takes 32 MiB and about 70 ms. At most two run at once: 64 MiB and two of libuv's
 * four threads.
 */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 2 ** 20 };
const AT_ONCE = 2;

/** The last one in the queue waits less than a second. */
const QUEUE = 20;
const RETRY_SECONDS = 2;

/** Nine bytes are twelve letters, without padding. */
const BYTES = 9;
