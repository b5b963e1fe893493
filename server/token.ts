import { createHmac, hkdfSync } from "node:crypto";
import ipaddr from "ipaddr.js";
import Keygrip from "keygrip";
import { LRUCache } from "lru-cache";
import type { Member } from "../protocol/event.ts";
import { wallNow } from "./clock.ts";

/**
 * The content of a valid token of this site. `since`: when its session began; a renewed token has a
 * later `issuedAt`. `isOld`: signed with a secret that is no longer the first, or in the former
 * form.
 */
export type ReadToken = {
  member: Member;
  issuedAt: number;
  since: number;
  isOld: boolean;
  owner: NameOwner | undefined;
};

/**
 * The owner of the name in a token, if it is not the person: `host`, whose server made the token,
 * or `identify`, whose answer must confirm the token with each request.
 */
export type NameOwner = "host" | "identify";

/** The content of a valid ticket of this site. `expiresAt` is in milliseconds since 1970. */
export type ReadTicket = Omit<ReadToken, "isOld"> & { expiresAt: number };

/** Signs and verifies tokens. Every node verifies every other node's tokens without a query. */
export type Tokens = {
  /** Makes a session's token, with the member and the session's beginning: now, or `since`. */
  sign(member: Member, since?: number, owner?: NameOwner): string;
  /** Reads a session's token; `undefined` for one of another site or an expired one. */
  verify(token: string): ReadToken | undefined;
  /** Returns when a token issued then expires, in milliseconds since 1970. */
  expiresAt(issuedAt: number): number;
  /**
   * Makes a ticket, which replaces the token in URLs for TICKET_MS. `issuedAt` is the token's, so
   * revocations apply.
   */
  ticket(member: Member, issuedAt: number, since?: number): string;
  /** Reads a ticket; `undefined` for one of another site or an expired one. */
  verifyTicket(ticket: string): ReadTicket | undefined;
  /** Makes proof that a form comes from a page made for `binding`, a member's id or a visit. */
  formToken(binding: string): string;
  /** Returns the binding of a form's token; `undefined` for one of another site. */
  readFormToken(token: string): string | undefined;
  /** Returns the network of an address, as eight letters that do not reveal the address. */
  network(address: string): string;
  /** Eight letters that stand for the site and reveal nothing, for the names of its cookies. */
  readonly siteLetters: string;
};

/** The secrets and times that tokens are made of. */
export type TokenOptions = {
  /** The configured secrets: the first signs, all verify. */
  secrets: string[];
  /**
   * The log's own secret, which no setting changes. Keys that must outlive a change of the
   * configured secrets are derived from it.
   */
  siteSecret: string;
  /** Milliseconds that a token is valid after its issue. */
  sessionMs: number;
  /** Tokens in the form of before 2026-11-30, which contain no time, are accepted until then. */
  formerUntil: number;
};

/** URLs end up in the logs of proxies, so a ticket is worthless after five minutes. */
export const TICKET_MS = 5 * 60_000;

/**
 * Tokens verified recently: keygrip's comparison in constant time makes three hashes, 48 µs of a
 * message's 340. 10,000 tokens take 3 MB.
 */
const VERIFIED = 10_000;

/**
 * Creates the tokens of a site. Signatures are HMAC-SHA-256 by keygrip, with a key for each
 * purpose, derived by HKDF [RFC 5869].
 */
export function createTokens({ secrets, siteSecret, sessionMs, formerUntil }: TokenOptions): Tokens {
  const sessions = keysOf(secrets, "session");
  const tickets = keysOf(secrets, "ticket");
  const forms = keysOf(secrets, "form");
  const former = new Keygrip(secrets, "sha256", "base64");
  const networkKey = derive(siteSecret, "network");
  const verified = new LRUCache<string, ReadToken>({ max: VERIFIED });

  return {
    sign: (member, since, owner) =>
      seal(sessions, { ...member, iat: wallNow(), ...(since !== undefined && { since }), ...(owner && { owner }) }),
    verify: (token) => {
      const known = verified.get(token) ?? read(token);
      if (known) verified.set(token, known);
      const until = known?.issuedAt === FORMER ? formerUntil : (known?.issuedAt ?? 0) + sessionMs;
      return wallNow() < until ? known : undefined;
    },
    expiresAt: (issuedAt) => (issuedAt === FORMER ? formerUntil : issuedAt + sessionMs),
    ticket: (member, issuedAt, since = issuedAt) =>
      seal(tickets, { ...member, iat: issuedAt, since, exp: wallNow() + TICKET_MS }),
    verifyTicket: (ticket) => {
      const opened = unseal(tickets, ticket);
      const expiresAt = opened?.value.exp ?? 0;
      if (opened === undefined || wallNow() >= expiresAt) return undefined;
      return { member: memberOf(opened.value), ...timesOf(opened.value), owner: undefined, expiresAt };
    },
    formToken: (binding) => `${binding}.${forms.sign(binding)}`,
    readFormToken: (token) => {
      const at = token.lastIndexOf(".");
      const binding = token.slice(0, Math.max(0, at));
      return at > 0 && forms.verify(binding, token.slice(at + 1)) ? binding : undefined;
    },
    siteLetters: hash(derive(siteSecret, "cookies"), "", "base64url").slice(0, 8),
    network: (address) => hash(networkKey, networkOf(address), "base64url").slice(0, 8),
  };

  function read(token: string): ReadToken | undefined {
    const opened = unseal(sessions, token) ?? unseal(former, token, "session ");
    if (opened === undefined) return undefined;
    const times = timesOf(opened.value);
    const { owner } = opened.value;
    return { member: memberOf(opened.value), ...times, owner, isOld: opened.isOld || times.issuedAt === FORMER };
  }
}

/** The issue time of a token in the former form. It is unknown, so it counts as older than all. */
const FORMER = 0;

/**
 * The content of a token: a member, when it was issued, when the session began if that was earlier,
 * and when a ticket ends.
 */
type Payload = Member & { iat?: number; since?: number; exp?: number; owner?: NameOwner };

function seal(keys: Keygrip, value: Payload): string {
  const payload = Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${payload}.${keys.sign(payload)}`;
}

function unseal(keys: Keygrip, token: string, purpose = ""): { value: Payload; isOld: boolean } | undefined {
  const [payload, signature, more] = token.split(".", 3);
  // Reject trailing parts: verified tokens are cached by their text, and one token must have one
  // spelling.
  if (!payload || !signature || more !== undefined) return undefined;
  const index = keys.index(purpose + payload, signature);
  if (index < 0) return undefined;
  return { value: JSON.parse(Buffer.from(payload, "base64url").toString()) as Payload, isOld: index > 0 };
}

function memberOf({ iat: _issuedAt, since: _since, exp: _expiresAt, owner: _owner, ...member }: Payload): Member {
  return member;
}

function timesOf({ iat = FORMER, since = iat }: Payload): Pick<ReadToken, "issuedAt" | "since"> {
  return { issuedAt: iat, since };
}

function keysOf(secrets: string[], purpose: string): Keygrip {
  return new Keygrip(
    secrets.map((secret) => derive(secret, purpose)),
    "sha256",
    "base64url",
  );
}

/** Derives one key per purpose, so that a leaked key reveals no other. */
function derive(secret: string, purpose: string): string {
  return Buffer.from(hkdfSync("sha256", secret, "", `chattera ${purpose}`, 32)).toString("base64");
}

function hash(key: string, text: string, encoding: "base64" | "base64url"): string {
  return createHmac("sha256", key).update(text).digest(encoding);
}

/** Returns the network of an office or a household: /24 of IPv4, /64 of IPv6. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return "";
  const bytes = ipaddr.process(address).toByteArray();
  return bytes.slice(0, bytes.length === 4 ? 3 : 8).join(".");
}
