import type { Config } from "../config.ts";
import { openIdentity } from "../identity/open-identity.ts";
import type { Logger } from "../log.ts";
import { type AskHost, type Authorize, askFunction, askUrl, type SeeRooms } from "./authorize.ts";
import { byFunction, type FindUser, type Identify } from "./identify.ts";

/** The functions of a host, if the site is opened with any. */
type HostOptions = { identify?: Identify | undefined; authorize?: Authorize | undefined; logger: Logger };

/** How a site finds the users of its host, and asks what they may do. */
export type SiteHost = {
  findUser: FindUser | undefined;
  askHost: AskHost | undefined;
  seeRooms: SeeRooms | undefined;
};

/**
 * Returns how a site asks its host: by the functions of `createApp`, by JWT, or at
 * `CHATTERA_AUTH_URL`. Throws a StartError if the settings contradict each other.
 */
export function hostOf(config: Config, { identify, authorize, logger }: HostOptions): SiteHost {
  const answered = { identifies: identify !== undefined, authorizes: authorize !== undefined };
  const opened = openIdentity(config, logger, answered);
  const find = opened.identify;
  const byUrl = opened.rights && askUrl(opened.rights);
  const { askHost, seeRooms } = (authorize ? askFunction(authorize, { logger }) : byUrl) ?? {};
  return {
    findUser: identify ? byFunction(identify, { logger }) : find && ((_, { credentials }) => find(credentials)),
    askHost,
    seeRooms,
  };
}
