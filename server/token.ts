import { createHmac } from "node:crypto";
import Keygrip from "keygrip";
import type { Member } from "../protocol/event.ts";

/** What the secret signs. Any node reads what another signed, without a look-up. */
export type Tokens = {
  /** A session's token: says who somebody is. */
  sign(member: Member): string;
  /** Who a token says somebody is; `undefined` for one that is not ours. */
  verify(token: string): Member | undefined;
  /** Proof that a form came from a page made for this member ("": nobody yet). */
  formToken(memberId: string): string;
  isFormToken(token: string, memberId: string): boolean;
  /** `◆` and ten letters that only who knows the secret word can have, on this site. */
  trip(word: string): string;
};

/** All signatures are HMAC-SHA-256 by keygrip, each over a text that begins with its purpose. */
export function createTokens(secret: string): Tokens {
  const keys = new Keygrip([secret], "sha256", "base64");

  return {
    sign: (member) => {
      const payload = Buffer.from(JSON.stringify(member)).toString("base64url");
      return `${payload}.${keys.sign(`session ${payload}`)}`;
    },
    verify: (token) => {
      const [payload, signature] = token.split(".");
      if (!payload || !signature || !keys.verify(`session ${payload}`, signature)) return undefined;
      return JSON.parse(Buffer.from(payload, "base64url").toString()) as Member;
    },
    formToken: (memberId) => keys.sign(`form ${memberId}`),
    isFormToken: (token, memberId) => keys.verify(`form ${memberId}`, token),
    trip: (word) => `◆${createHmac("sha256", secret).update(`trip ${word}`).digest("base64").slice(0, 10)}`,
  };
}
