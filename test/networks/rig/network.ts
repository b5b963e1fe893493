/** A program between a client and the site that does not behave as HTTP expects. */
export type HostileNetwork = {
  name: string;
  /** Its behavior in words. */
  does: string;
  /** A delivery later than this after it became possible is late. The default is two seconds. */
  withinMs?: number;
  /** Each participant gets a network of their own, for example if it counts connections. */
  each?: boolean;
  /** The incident kills the site, so the site must not be shared. */
  ownSite?: boolean;
  /** Pages cannot reach the site by it: a browser has settings of its own. */
  isForClients?: boolean;
  /** The path of the third-party program that it is made of. */
  program?: string;
  start(site: SiteBehind): Promise<Running>;
};

/** The site behind a network. */
export type SiteBehind = { url: string; killAndRestart(): Promise<void> };

/** A running network. Clients reach the site at `url`. */
export type Running = {
  url: string;
  /** Causes an incident that lasts for a while. Resolves when it is over. */
  strike?(): Promise<void>;
  close(): Promise<void>;
};

/** A delivery later than this after it became possible is late. */
export const WITHIN_MS = 2_000;

/**
 * The limit where connections die silently: that cannot be noticed sooner without constant
 * requests.
 */
export const WITHIN_DEAD_MS = 5_000;
