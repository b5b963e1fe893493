import type { Server } from "node:http";
import type { Socket } from "node:net";
import proxyAddr from "proxy-addr";
import { networksOf, parseAddress } from "../guard/address.ts";
import type { Shares } from "../guard/shares.ts";
import type { Logger } from "../log.ts";
import { countByTheMinute } from "../minute-log.ts";
import { isIdle, onceClosed } from "../streams/socket.ts";

/** How many connections a server holds. Those of trusted proxies count only towards `total`. */
export type ConnectionCaps = {
  /** From one address, of IPv6 from one /64, times its shares; a /48 may hold ten times as many. */
  perAddress: number;
  /** From one address of IPv4 or one /48 of IPv6, however many shares it has. */
  perBlock: number;
  shares: Shares;
  /** Altogether: what the limit of open files allows. */
  total: number;
  trustProxy: string[];
};

/** An address of IPv4, or a /48 of IPv6 with those of its /64s that hold connections. */
type Block = {
  name: string;
  networks: Map<string, Network>;
  size: number;
  cap: number;
  factor: number;
  isProxy: boolean;
};

/** The connections of one address, of IPv6 of one /64, the oldest first. */
type Network = { name: string; block: Block; sockets: Set<Socket>; cap: number };

/**
 * At the limit of open files this share of the connections is closed at a time, so that a flood of newcomers does not
 * pay for a search each.
 */
const SHARE_CLOSED = 0.01;

/** As with the rate limits: a /48 is a company with many subnets, or one visitor of a tunnel. */
const BLOCK_SHARES = 10;

/**
 * Caps the connections of a server. At the cap of an address a newcomer takes the place of the address's oldest idle
 * connection. At the cap of a /48, and at the cap of all, it takes the place of the oldest idle connection of the network
 * that holds most, or of its oldest busy one if that network holds more than the newcomer's. Otherwise the newcomer is
 * refused. What is closed is logged once a minute.
 */
export function capConnections(server: Server, caps: ConnectionCaps, logger: Logger): void {
  const trust = proxyAddr.compile(caps.trustProxy);
  const blocks = new Map<string, Block>();
  const owners = new WeakMap<Socket, Network>();
  let count = 0;
  let latest: { address: string; limit: number };
  const noteNetworkFull = countByTheMinute((connections) =>
    logger.warn(
      { connections, ...latest },
      "connections closed: one address holds its share. If it is a proxy, name it in TRUST_PROXY",
    ),
  );
  const noteAllFull = countByTheMinute((connections) =>
    logger.error({ connections, limit: caps.total }, "connections closed: no more files may be open"),
  );
  const noteFailure = countByTheMinute((connections) => logger.error({ connections }, "connections not accepted"));
  server.on("connection", admit);
  // Without a listener it would end the process.
  server.on("error", noteFailure);

  function admit(socket: Socket): void {
    // A connection that its owner gives back to Node's http is announced again.
    if (owners.has(socket)) return;
    const newcomer = networkOf(socket);
    const { block } = newcomer;
    if (newcomer.sockets.size >= newcomer.cap) closeForOwn(socket, newcomer, oldestIdle(newcomer, 1));
    else if (block.size >= block.cap) closeForOwn(socket, block, replaceable(mostIn(block), newcomer));
    else if (count >= caps.total) close(replaceableOfAll(newcomer), socket, noteAllFull);
    if (!socket.destroyed) add(newcomer, socket);
  }

  function networkOf({ remoteAddress = "" }: Socket): Network {
    const address = parseAddress(remoteAddress) ?? "";
    const isProxy = trust(address, 0);
    const [name, wide] = isProxy ? [`proxy ${address}`] : networksOf(address);
    const factor = caps.shares(address);
    const cap = isProxy ? Number.POSITIVE_INFINITY : Math.min(caps.perAddress * factor, caps.perBlock);
    const block = blocks.get(wide ?? name) ?? {
      name: wide ?? name,
      networks: new Map<string, Network>(),
      size: 0,
      cap: Math.min(cap * BLOCK_SHARES, isProxy ? cap : caps.perBlock),
      factor,
      isProxy,
    };
    return block.networks.get(name) ?? { name, block, sockets: new Set(), cap };
  }

  function add(network: Network, socket: Socket): void {
    const { block } = network;
    blocks.set(block.name, block);
    block.networks.set(network.name, network);
    network.sockets.add(socket);
    owners.set(socket, network);
    block.size += 1;
    count += 1;
    onceClosed(socket, () => remove(socket));
  }

  function remove(socket: Socket): void {
    const network = owners.get(socket);
    if (!network?.sockets.delete(socket)) return;
    const { block } = network;
    block.size -= 1;
    count -= 1;
    if (network.sockets.size === 0) block.networks.delete(network.name);
    if (block.size === 0) blocks.delete(block.name);
  }

  function closeForOwn(newcomer: Socket, { name, cap }: Network | Block, replaced: Socket[]): void {
    latest = { address: name, limit: cap };
    close(replaced, newcomer, noteNetworkFull);
  }

  /** Closes the connections that a newcomer replaces, or the newcomer if there are none. */
  function close(replaced: Socket[], newcomer: Socket, note: () => void): void {
    for (const socket of replaced.length > 0 ? replaced : [newcomer]) {
      note();
      socket.destroy();
      // Its close comes later than the next newcomer may.
      remove(socket);
    }
  }

  function replaceableOfAll(newcomer: Network): Socket[] {
    const idle = oldestIdle(mostIn(greediest(blocks.values())), Math.ceil(caps.total * SHARE_CLOSED));
    if (idle.length > 0) return idle;
    // A proxy's connections are those of many visitors.
    return replaceable(mostIn(greediest([...blocks.values()].filter(({ isProxy }) => !isProxy))), newcomer);
  }
}

/** Returns the oldest idle connection of a network, or its oldest busy one if it holds more than the newcomer's network. */
function replaceable(network: Network | undefined, newcomer: Network): Socket[] {
  const idle = oldestIdle(network, 1);
  if (network === undefined || idle.length > 0 || !holdsMore(network, newcomer)) return idle;
  return [...network.sockets].slice(0, 1);
}

function oldestIdle(network: Network | undefined, most: number): Socket[] {
  return [...(network?.sockets ?? [])].filter(isIdle).slice(0, most);
}

/** Returns whether a network would still hold as much as the newcomer's does, after a connection of its own is replaced. */
function holdsMore(network: Network, newcomer: Network): boolean {
  if (network.block === newcomer.block) return network.sockets.size > newcomer.sockets.size + 1;
  const { size, factor, isProxy } = newcomer.block;
  // A proxy holds the connections of many visitors, and the newcomer is one of them.
  return network.block.size / network.block.factor > (isProxy ? 1 : (size + 1) / factor);
}

function greediest(blocks: Iterable<Block>): Block | undefined {
  let most: Block | undefined;
  for (const block of blocks)
    if (most === undefined || block.size / block.factor > most.size / most.factor) most = block;
  return most;
}

function mostIn(block: Block | undefined): Network | undefined {
  let most: Network | undefined;
  for (const network of block?.networks.values() ?? [])
    if (most === undefined || network.sockets.size > most.sockets.size) most = network;
  return most;
}
