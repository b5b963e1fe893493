import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "../log.ts";
import { countByTheMinute } from "../minute-log.ts";
import { isIdle } from "../streams/socket.ts";
import { type ConnectionCaps, createHeldConnections, type HeldBlock, type HeldNetwork } from "./held-connections.ts";

/**
 * At the limit of open files this share of the connections is closed at a time, so that not each
 * newcomer of a flood causes a search.
 */
const SHARE_CLOSED = 0.01;

/**
 * Caps the connections of a server. At the cap of an address a newcomer takes the place of the
 * address's oldest idle connection. At the cap of a /48, and at the cap of all, it takes the place
 * of the oldest idle connection of the network that holds most, or of its oldest busy one if that
 * network holds more than the newcomer's. Otherwise the newcomer is refused. Closed connections are
 * logged once a minute.
 */
export function capConnections(server: Server, caps: ConnectionCaps, logger: Logger): void {
  const held = createHeldConnections(caps);
  const notes = notesIn(logger, caps);
  server.on("connection", admit);
  // Without a listener an error would end the process.
  server.on("error", notes.failure);

  function admit(socket: Socket): void {
    // A connection that its owner hands back to Node's HTTP server is announced again.
    if (held.has(socket)) return;
    const newcomer = held.networkOf(socket);
    const { block } = newcomer;
    if (newcomer.sockets.size >= newcomer.cap)
      close(oldestIdle(newcomer, 1), socket, () => notes.networkFull(newcomer));
    else if (block.size >= block.cap)
      close(replaceable(mostIn(block), newcomer), socket, () => notes.networkFull(block));
    else if (held.count() >= caps.total) close(replaceableOfAll(newcomer), socket, notes.allFull);
    if (!socket.destroyed) held.add(newcomer, socket);
  }

  /** Closes the connections that a newcomer replaces, or the newcomer if there are none. */
  function close(replaced: Socket[], newcomer: Socket, note: () => void): void {
    for (const socket of replaced.length > 0 ? replaced : [newcomer]) {
      note();
      socket.destroy();
      // Its close event may come later than the next newcomer.
      held.remove(socket);
    }
  }

  function replaceableOfAll(newcomer: HeldNetwork): Socket[] {
    const idle = oldestIdle(mostIn(greediest(held.blocks.values())), Math.ceil(caps.total * SHARE_CLOSED));
    if (idle.length > 0) return idle;
    // A proxy's connections are those of many visitors.
    return replaceable(mostIn(greediest([...held.blocks.values()].filter(({ isProxy }) => !isProxy))), newcomer);
  }
}

type Notes = { networkFull(full: HeldNetwork | HeldBlock): void; allFull(): void; failure(): void };

function notesIn(logger: Logger, { total }: ConnectionCaps): Notes {
  let latest: { address: string; limit: number };
  const networkFull = countByTheMinute((connections) =>
    logger.warn(
      { connections, ...latest },
      "connections closed: one address holds its share. If it is a proxy, name it in TRUST_PROXY",
    ),
  );
  return {
    networkFull: ({ name, cap }) => {
      latest = { address: name, limit: cap };
      networkFull();
    },
    allFull: countByTheMinute((connections) =>
      logger.error({ connections, limit: total }, "connections closed: no more files may be open"),
    ),
    failure: countByTheMinute((connections) => logger.error({ connections }, "connections not accepted")),
  };
}

/**
 * Returns the oldest idle connection of a network, or its oldest busy one if it holds more than the
 * newcomer's network.
 */
function replaceable(network: HeldNetwork | undefined, newcomer: HeldNetwork): Socket[] {
  const idle = oldestIdle(network, 1);
  if (network === undefined || idle.length > 0 || !holdsMore(network, newcomer)) return idle;
  return [...network.sockets].slice(0, 1);
}

function oldestIdle(network: HeldNetwork | undefined, most: number): Socket[] {
  return [...(network?.sockets ?? [])].filter(isIdle).slice(0, most);
}

/**
 * Returns whether a network would still hold as much as the newcomer's does, after one of its
 * connections is replaced.
 */
function holdsMore(network: HeldNetwork, newcomer: HeldNetwork): boolean {
  if (network.block === newcomer.block) return network.sockets.size > newcomer.sockets.size + 1;
  const { size, factor, isProxy } = newcomer.block;
  // A proxy holds the connections of many visitors, and the newcomer is one of them.
  return network.block.size / network.block.factor > (isProxy ? 1 : (size + 1) / factor);
}

function greediest(blocks: Iterable<HeldBlock>): HeldBlock | undefined {
  let most: HeldBlock | undefined;
  for (const block of blocks)
    if (most === undefined || block.size / block.factor > most.size / most.factor) most = block;
  return most;
}

function mostIn(block: HeldBlock | undefined): HeldNetwork | undefined {
  let most: HeldNetwork | undefined;
  for (const network of block?.networks.values() ?? [])
    if (most === undefined || network.sockets.size > most.sockets.size) most = network;
  return most;
}
