import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import pLimit from "p-limit";
import { refuse } from "../refusal.ts";

const stretch = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** [RFC 7914] One takes 16 MiB and about 35 ms, on another thread. */
const COST = { N: 2 ** 14, r: 8, p: 1, maxmem: 32 * 2 ** 20 };
const BYTES = 24;

/** Two of libuv's four threads, and the last one in the queue waits less than a second. */
const limit = pLimit(2);
const QUEUE = 20;

/** Returns a password as it is stored. Throws `too_many` if too many are waiting. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(12);
  return `${salt.toString("base64url")}.${(await keyOf(password, salt)).toString("base64url")}`;
}

/**
 * Returns whether this is the password that is stored. Throws `too_many` if too many are waiting.
 */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [salt = "", key = ""] = stored.split(".");
  const expected = Buffer.from(key, "base64url");
  return timingSafeEqual(await keyOf(password, Buffer.from(salt, "base64url")), expected);
}

function keyOf(password: string, salt: Buffer): Promise<Buffer> {
  if (limit.pendingCount >= QUEUE) throw refuse("too_many", "Too many passwords are being checked.", 2);
  return limit(() => stretch(password.normalize("NFKC"), salt, BYTES, COST));
}
