import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { Logger } from "../log.ts";

/** The channel on which nodes announce the addresses at which they answer. */
export const PEERS_CHANNEL = "chattera_peers";

/** A node announces itself this often. */
const ANNOUNCE_MS = 10_000;

/** A node that was not heard for this long, while others were, has ended. */
const FORGET_MS = 60_000;

/** A healthy node answers in milliseconds, and one that asks its database in 2 s. */
const ANSWER_MS = 2_500;

/** Any one that can serve is enough. */
const ASKED_MAX = 5;

type Peer = { urls: string[]; heardAt: number };

/** The other nodes of the site, as far as they have announced themselves. */
export type Peers = {
  /** Announces this node under these URLs from now on. */
  announce(urls: string[]): void;
  onAnnounced(payload: string): void;
  /** Asks the other nodes directly whether one of them can serve readers now. */
  canServe(): Promise<boolean>;
  stop(): void;
};

/**
 * Creates the list of the other nodes, which is empty until they announce themselves. `name` is
 * this node's.
 *
 * A node that is cut off from its database cannot find others, so it has to know them before. It
 * asks them over HTTP, because the database and what leads to it may be away for all of them.
 */
export function createPeers({ name, wakeUps, logger }: { name: string; wakeUps: WakeUps; logger: Logger }): Peers {
  const peers = new Map<string, Peer>();
  let urls: string[] = [];
  const timer = setInterval(publish, ANNOUNCE_MS).unref();
  return {
    announce: (own) => {
      urls = own;
      publish();
    },
    onAnnounced,
    canServe: async () => {
      const asked = [...peers]
        .slice(-ASKED_MAX)
        .flatMap(([peer, known]) => known.urls.map((url) => isReady(url, peer)));
      return (await Promise.all(asked)).includes(true);
    },
    stop: () => clearInterval(timer),
  };

  function publish(): void {
    if (urls.length === 0) return;
    wakeUps
      .publish(PEERS_CHANNEL, [name, ...urls].join(" "))
      .catch((error) => logger.debug({ err: error }, "node not announced"));
  }

  function onAnnounced(payload: string): void {
    const now = performance.now();
    const [peer, ...known] = payload.split(" ");
    // The latest ones are last.
    const isNew = !peers.delete(peer as string);
    if (peer !== name) peers.set(peer as string, { urls: known, heardAt: now });
    // A node that has just started learns of this one at once.
    if (peer !== name && isNew) publish();
    for (const [other, { heardAt }] of peers) if (now - heardAt > FORGET_MS) peers.delete(other);
  }
}

/**
 * Returns whether the node with this name is ready at this URL. Another program, or this node
 * itself, may answer there: an address such as 127.0.0.1 means another machine elsewhere.
 */
async function isReady(url: string, peer: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz?node=${peer}`, {
      redirect: "error",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const { checks } = (await answer.json()) as { checks?: { node?: boolean } };
    return answer.status === 200 && checks?.node === true;
  } catch {
    return false;
  }
}
