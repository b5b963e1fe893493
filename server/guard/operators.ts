import { createHash, hkdfSync, randomBytes } from "node:crypto";
import Keygrip from "keygrip";
import type { Context } from "koa";
import { wallNow } from "../clock.ts";
import { isSame } from "./metrics-reader.ts";
import { isBound } from "./proof.ts";
import { clearCookie, cookieOf, type SessionKeys, setCookie } from "./session.ts";

/** The sign-in of an operator, in milliseconds since 1970. */
export type SignIn = { at: number; until: number };

/** Makes and checks the sign-ins of operators. */
export type Operators = {
  /** Returns whether this is the secret of the settings. */
  isSecret(secret: string): boolean;
  /** Makes the cookie of a sign-in now. */
  sign(): string;
  /** Reads such a cookie; `undefined` if it is not ours, or too old. */
  read(cookie: string): SignIn | undefined;
};

/** The part of a site that operators need. */
export type OperatedSite = SessionKeys & { operators: Operators; bans: { operatorsSince(): number } };

/** A day's work. After it, an operator signs in again. */
const SIGNED_IN_MS = 12 * 3_600_000;

/** Bytes of a link's token. Nobody guesses 192 bits in a quarter of an hour. */
const LINK_BYTES = 24;

/**
 * Creates the sign-ins. The secret of the settings is part of the key, so a new one ends all of
 * them.
 */
export function createOperators({ secret, siteSecret }: { secret: string | undefined; siteSecret: string }): Operators {
  const key = Buffer.from(hkdfSync("sha256", siteSecret, secret ?? "", "chattera operator", 32)).toString("base64");
  const keys = new Keygrip([key], "sha256", "base64url");
  return {
    isSecret: (given) => secret !== undefined && isSame(given, secret),
    sign: () => {
      const value = `${wallNow()}-${randomBytes(9).toString("base64url")}`;
      return `${value}.${keys.sign(value)}`;
    },
    read: (cookie) => {
      const [value = "", signature = "", more] = cookie.split(".", 3);
      if (more !== undefined || !keys.verify(value, signature)) return undefined;
      const at = Number(value.split("-", 1)[0]);
      return wallNow() < at + SIGNED_IN_MS ? { at, until: at + SIGNED_IN_MS } : undefined;
    },
  };
}

/** Returns a token for a link by which an operator signs in once, and the hash that is stored. */
export function makeLinkToken(): { token: string; hash: string } {
  const token = randomBytes(LINK_BYTES).toString("base64url");
  return { token, hash: hashOfLink(token) };
}

/** Returns the hash under which a link's token is stored. */
export function hashOfLink(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}

/**
 * Returns the sign-in of a request's operator, `undefined` for everybody else. The cookie counts
 * for pages of this site only: a change must come from one of them, see proof.ts.
 */
export function signInOf(ctx: Context, site: OperatedSite): SignIn | undefined {
  // Everybody else's requests cost nothing more than this.
  if (!ctx.req.headers.cookie?.includes("chattera-operator-")) return undefined;
  const { source } = ctx.state;
  if (source === "listed" || source === "other-site") return undefined;
  const signIn = site.operators.read(cookieOf(ctx, site.tokens, "operator") ?? "");
  if (signIn === undefined || signIn.at <= site.bans.operatorsSince()) return undefined;
  const isProved = source === "own" || ctx.method === "GET" || ctx.method === "HEAD" || isBound(ctx, site);
  return isProved ? signIn : undefined;
}

/** Signs an operator in on this browser. */
export function setOperatorCookie(ctx: Context, site: OperatedSite): void {
  setCookie(ctx, site.tokens, { kind: "operator", value: site.operators.sign(), maxAgeMs: SIGNED_IN_MS });
}

/** Signs an operator out on this browser. */
export function clearOperatorCookie(ctx: Context, site: OperatedSite): void {
  clearCookie(ctx, site.tokens, "operator");
}
