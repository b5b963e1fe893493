import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { Logger } from "../log.ts";
import { countByTheMinute } from "../minute-log.ts";
import { createOutage } from "../outage.ts";
import { refuse } from "../refusal.ts";
import { readHostUser } from "../rooms/host-member.ts";
import { type Credentials, cookieIn, type FoundUser } from "./credentials.ts";

/** How JWTs are verified: with a shared secret, or with the keys at a URL. */
export type JwtOptions = {
  secret?: string | undefined;
  jwksUrl?: string | undefined;
  issuer?: string | undefined;
  audience?: string | undefined;
  /** The name of the cookie with the JWT. Without it, only bearer tokens count. */
  cookie?: string | undefined;
  logger: Logger;
};

/**
 * Returns the user that a request's JWT names, or null without a valid one. Throws `unavailable` if
 * the keys cannot be read.
 */
export type IdentifyByJwt = (credentials: Credentials) => Promise<FoundUser | null>;

/**
 * A secret signs by HMAC and a published key never does: otherwise, anyone who has a public key
 * could sign with it. `none` is in neither list.
 */
const BY_SECRET = ["HS256", "HS384", "HS512"];
const BY_KEY = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];

/** The clocks of two servers differ by this many seconds. */
const LEEWAY_SECONDS = 30;

/**
 * Keys are read again after ten minutes, and for a token with an unknown key, at most every 30 s.
 * A server of keys that is away is waited for 3 s, and the last keys count for an hour.
 */
const KEYS = { timeoutDuration: 3_000, cooldownDuration: 30_000, cacheMaxAge: 10 * 60_000 };
const KEYS_GRACE_MS = 60 * 60_000;

/** Creates the verification of JWTs. */
export function createJwt({ secret, jwksUrl, issuer, audience, cookie, logger }: JwtOptions): IdentifyByJwt {
  const key = secret === undefined ? keysAt(jwksUrl as string, logger) : new TextEncoder().encode(secret);
  const options = {
    algorithms: secret === undefined ? BY_KEY : BY_SECRET,
    clockTolerance: LEEWAY_SECONDS,
    requiredClaims: ["sub", "exp"],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  };
  let cause = "";
  const noteUnusable = countByTheMinute((tokens) => logger.warn({ cause, tokens }, "JWT names no usable member"));
  return async (credentials) => {
    const token = tokenIn(credentials, cookie);
    if (token === undefined) return null;
    const payload = await read(token);
    if (payload === undefined) return null;
    try {
      return { ...readHostUser(userOf(payload)), expiresAt: endOf(payload) };
    } catch (error) {
      cause = (error as Error).message;
      noteUnusable();
      return null;
    }
  };

  async function read(token: string): Promise<JWTPayload | undefined> {
    try {
      // The two kinds of keys are two signatures of one function.
      const { payload } = await jwtVerify(token, key as JWTVerifyGetKey, options);
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}

/** [RFC 7515 3.1] Three parts. Tokens of ours have two. */
function tokenIn({ authorization, cookie }: Credentials, name: string | undefined): string | undefined {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? (name && cookieIn(cookie, name));
  return token !== undefined && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) ? token : undefined;
}

/**
 * [OpenID Connect Core 5.1] The claims that say how a person is called, the shortest first. A role
 * has a name of its own: the `role` of many apps means something else.
 */
function userOf({ sub, nickname, name, preferred_username: username, color, chattera_role: role }: JWTPayload) {
  const called = [nickname, name, username].find((claim) => typeof claim === "string" && claim.trim() !== "");
  return { id: sub, nickname: called ?? sub, color, role };
}

/** Returns when a JWT ends. The largest numbers are no time. */
function endOf({ exp }: JWTPayload): number {
  const ms = (exp as number) * 1000;
  if (Number.isNaN(new Date(ms).getTime())) throw new TypeError("exp: the seconds since 1970");
  return ms;
}

/** Returns the keys at a URL, as jose wants them. */
function keysAt(url: string, logger: Logger): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), KEYS);
  const outage = createOutage(logger, "reading the keys at CHATTERA_JWT_JWKS_URL");
  let usableUntil = 0;
  let pausedUntil = 0;
  return async (header, token) => {
    if (performance.now() >= pausedUntil) {
      try {
        const key = await remote(header, token);
        return read(key);
      } catch (error) {
        // The keys were read, and this token has none of them.
        if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
        outage.failed(error);
        pausedUntil = performance.now() + PAUSE_MS;
      }
    }
    const last = remote.jwks();
    if (last === undefined || performance.now() >= usableUntil) throw refuse("unavailable", AWAY);
    return createLocalJWKSet(last)(header, token);
  };

  function read<Key>(key: Key): Key {
    outage.succeeded();
    usableUntil = performance.now() + KEYS_GRACE_MS;
    return key;
  }
}

/**
 * After a failure, the keys are not read for this time, so that no request waits for each attempt.
 */
const PAUSE_MS = 5_000;
const AWAY = "The keys that verify tokens cannot be read just now.";
