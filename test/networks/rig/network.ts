/** Something between a person and the site that does not do what HTTP hopes for. */
export type Network = {
  name: string;
  /** What it does, in words. */
  does: string;
  /** A delivery later than this after it was possible is late; two seconds unless the network makes that impossible. */
  withinMs?: number;
  /** Everybody sits behind one of their own, e.g. where a network counts the connections of one person. */
  each?: boolean;
  /** The site is struck down: it must not be everybody's. */
  ownSite?: boolean;
  /** The program it is made of, where that is not ours. */
  program?: string;
  start(site: SiteBehind): Promise<Running>;
};

/** The site behind a network. */
export type SiteBehind = { url: string; killAndRestart(): Promise<void> };

/** A network that stands; people reach the site at `url`. */
export type Running = {
  url: string;
  /** Something goes wrong for a while, some seconds into the talk; resolves when it is over. */
  strike?(): Promise<void>;
  close(): Promise<void>;
};

/** Late is what comes later than this after it was possible. */
export const WITHIN_MS = 2_000;

/** A dead connection tells nobody: what hangs on one cannot be known dead sooner without asking all the time. */
export const WITHIN_DEAD_MS = 5_000;
