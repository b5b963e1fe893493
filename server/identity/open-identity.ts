import { StartError } from "../../db/start-error.ts";
import type { Config } from "../config.ts";
import type { Logger } from "../log.ts";
import { type AuthUrl, createAuthUrl } from "./auth-url.ts";
import { createJwt, type IdentifyByJwt } from "./jwt.ts";

/** The answers that settings open, as well as the functions of `createApp`. */
export type OpenedIdentity = {
  identify: AuthUrl["identify"] | IdentifyByJwt | undefined;
  rights: Pick<AuthUrl, "authorize" | "see"> | undefined;
};

/** Which questions functions of `createApp` answer already. */
type Answered = { identifies: boolean; authorizes: boolean };

/**
 * Opens JWTs and `CHATTERA_AUTH_URL`. Throws a StartError if two answer one question, or a part is
 * missing.
 */
export function openIdentity(config: Config, logger: Logger, answered: Answered): OpenedIdentity {
  const url = authUrlOf(config, logger);
  const jwt = jwtOf(config, logger);
  if (answered.identifies && jwt !== undefined)
    throw new StartError("identify: JWTs say already who a user is, so leave out one of the two");
  if (answered.authorizes && config.authUrl?.authorizes)
    throw new StartError("authorize: CHATTERA_AUTH_URL answers this already, so leave out one, or add #identify to it");
  return {
    identify: jwt ?? (config.authUrl?.identifies ? url?.identify : undefined),
    rights: config.authUrl?.authorizes ? url : undefined,
  };
}

function authUrlOf({ authUrl, authSecret, ...config }: Config, logger: Logger): AuthUrl | undefined {
  if (authUrl === undefined) return undefined;
  if (authSecret === undefined)
    throw new StartError("authSecret (CHATTERA_AUTH_SECRET): CHATTERA_AUTH_URL needs a secret, which signs questions");
  const { authSeconds: seconds, authGraceSeconds: graceSeconds } = config;
  return createAuthUrl({ url: authUrl.url, secret: authSecret, seconds, graceSeconds, logger });
}

function jwtOf(config: Config, logger: Logger): IdentifyByJwt | undefined {
  const { jwtSecret: secret, jwksUrl, jwtIssuer: issuer, jwtAudience: audience, jwtCookie: cookie } = config;
  if (secret === undefined && jwksUrl === undefined) return undefined;
  if (secret !== undefined && jwksUrl !== undefined)
    throw new StartError("jwtSecret and jwksUrl: JWTs are signed by one of the two, so leave out the other");
  return createJwt({ secret, jwksUrl, issuer, audience, cookie, logger });
}
