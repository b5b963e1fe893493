import type { Socket } from "node:net";
import proxyAddr from "proxy-addr";
import { networksOf, parseAddress } from "../guard/address.ts";
import type { Shares } from "../guard/shares.ts";
import { onceClosed } from "../streams/socket.ts";

/**
 * The number of connections that a server holds. Those of trusted proxies count only towards
 * `total`.
 */
export type ConnectionCaps = {
  /** From one address, of IPv6 from one /64, times its shares; a /48 may hold ten times as many. */
  perAddress: number;
  /** From one address of IPv4 or one /48 of IPv6, whatever its shares are. */
  perBlock: number;
  shares: Shares;
  /** Altogether, as the limit of open files allows. */
  total: number;
  trustProxy: string[];
};

/** An address of IPv4, or a /48 of IPv6 with those of its /64s that hold connections. */
export type HeldBlock = {
  name: string;
  networks: Map<string, HeldNetwork>;
  size: number;
  cap: number;
  factor: number;
  isProxy: boolean;
};

/** The connections of one address, of IPv6 of one /64, the oldest first. */
export type HeldNetwork = { name: string; block: HeldBlock; sockets: Set<Socket>; cap: number };

/** The connections of a server by network. */
export type HeldConnections = {
  /** The blocks that hold connections, by name. */
  blocks: ReadonlyMap<string, HeldBlock>;
  count(): number;
  has(socket: Socket): boolean;
  /** Returns the network of a connection, with its caps. It may hold none yet. */
  networkOf(socket: Socket): HeldNetwork;
  /** Counts a connection until it closes. */
  add(network: HeldNetwork, socket: Socket): void;
  remove(socket: Socket): void;
};

/** As with the rate limits: a /48 is a company with many subnets, or one visitor of a tunnel. */
const BLOCK_SHARES = 10;

/** Creates the count of a server's connections: none yet. */
export function createHeldConnections(caps: ConnectionCaps): HeldConnections {
  const trust = proxyAddr.compile(caps.trustProxy);
  const blocks = new Map<string, HeldBlock>();
  const owners = new WeakMap<Socket, HeldNetwork>();
  let count = 0;

  return { blocks, count: () => count, has: (socket) => owners.has(socket), networkOf, add, remove };

  function networkOf({ remoteAddress = "" }: Socket): HeldNetwork {
    const address = parseAddress(remoteAddress) ?? "";
    const isProxy = trust(address, 0);
    const [name, wide] = isProxy ? [`proxy ${address}`] : networksOf(address);
    const factor = caps.shares(address);
    const cap = isProxy ? Number.POSITIVE_INFINITY : Math.min(caps.perAddress * factor, caps.perBlock);
    const block = blocks.get(wide ?? name) ?? {
      name: wide ?? name,
      networks: new Map<string, HeldNetwork>(),
      size: 0,
      cap: Math.min(cap * BLOCK_SHARES, isProxy ? cap : caps.perBlock),
      factor,
      isProxy,
    };
    return block.networks.get(name) ?? { name, block, sockets: new Set(), cap };
  }

  function add(network: HeldNetwork, socket: Socket): void {
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
}
