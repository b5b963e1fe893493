import type { Server } from "node:http";
import type { Socket } from "node:net";
import proxyAddr from "proxy-addr";
import { networksOf, parseAddress } from "./guard/address.ts";
import type { Shares } from "./guard/shares.ts";
import type { Logger } from "./log.ts";
import { countByTheMinute } from "./minute-log.ts";
import { isIdle, onceClosed } from "./transports/bare-socket.ts";

/** How many connections a server holds. */
export type ConnectionCaps = {
  /** From one address, of IPv6 from one /64, times its shares; trusted proxies are exempt. */
  perAddress: number;
  shares: Shares;
  /** Altogether: what the limit of open files allows. */
  total: number;
  trustProxy: string[];
};

/** The connections of one network, the oldest first. */
type Network = { name: string; sockets: Set<Socket>; cap: number };

/**
 * At the limit of open files this share of the connections is closed at a time, so that a flood of newcomers does not
 * pay for a search each.
 */
const SHARE_CLOSED = 0.01;

/**
 * Caps the connections of a server. A newcomer above a cap takes the place of the oldest idle connection: of its own
 * address at the cap of an address, of the address with the most connections at the cap of all. It is refused only if
 * none of those is idle. Both are logged once a minute.
 */
export function capConnections(server: Server, caps: ConnectionCaps, logger: Logger): void {
  const trust = proxyAddr.compile(caps.trustProxy);
  const networks = new Map<string, Network>();
  let count = 0;
  let latest = "";
  const noteAddressFull = countByTheMinute((connections) => {
    const message =
      "connections closed: one address holds CHATTERA_CONNECTIONS of them. If it is a proxy, name it in TRUST_PROXY";
    logger.warn({ connections, address: latest, limit: caps.perAddress }, message);
  });
  const noteAllFull = countByTheMinute((connections) =>
    logger.error({ connections, limit: caps.total }, "connections closed: no more files may be open"),
  );
  const noteFailure = countByTheMinute((connections) => logger.error({ connections }, "connections not accepted"));
  server.on("connection", admit);
  // Without a listener it would end the process.
  server.on("error", noteFailure);

  function admit(socket: Socket): void {
    const network = networkOf(socket);
    // A connection that its owner gives back to Node's http is announced again.
    if (network.sockets.has(socket)) return;
    if (count >= caps.total) makeRoom(socket, greediest(), noteAllFull);
    else if (network.sockets.size >= network.cap) {
      latest = network.name;
      makeRoom(socket, network, noteAddressFull);
    }
    if (!socket.destroyed) add(network, socket);
  }

  function networkOf({ remoteAddress = "" }: Socket): Network {
    const address = parseAddress(remoteAddress) ?? "";
    const [name] = networksOf(address);
    return networks.get(name) ?? { name, sockets: new Set(), cap: capOf(address) };
  }

  function capOf(address: string): number {
    return trust(address, 0) ? Number.POSITIVE_INFINITY : caps.perAddress * caps.shares(address);
  }

  function add(network: Network, socket: Socket): void {
    networks.set(network.name, network);
    network.sockets.add(socket);
    count += 1;
    onceClosed(socket, () => {
      count -= 1;
      network.sockets.delete(socket);
      if (network.sockets.size === 0) networks.delete(network.name);
    });
  }

  /** Closes the oldest idle connections of a network, or the newcomer if there are none. */
  function makeRoom(newcomer: Socket, from: Network | undefined, note: () => void): void {
    const most = from && count >= caps.total ? Math.ceil(caps.total * SHARE_CLOSED) : 1;
    const idle = [...(from?.sockets ?? [])].filter(isIdle).slice(0, most);
    for (const socket of idle.length > 0 ? idle : [newcomer]) {
      note();
      socket.destroy();
    }
  }

  function greediest(): Network | undefined {
    let most: Network | undefined;
    for (const network of networks.values())
      if (most === undefined || network.sockets.size > most.sockets.size) most = network;
    return most;
  }
}
