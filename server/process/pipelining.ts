import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/**
 * Requests of one connection that may be open at once. Browsers and proxies send the next one after
 * the answer.
 */
const PIPELINED_MAX = 8;

/**
 * On the socket itself: with a WeakMap of sockets, garbage collection took 5 % more of a busy
 * node's CPU.
 */
const OPEN_REQUESTS = Symbol("open requests");

type Counted = Duplex & { [OPEN_REQUESTS]?: number };

/**
 * Counts a request of its connection. A connection that keeps sending without waiting for answers
 * is closed: Node reads all requests of a packet at once, a thousand in 46 kB, and keeps their
 * answers until the client reads them. Returns `false` for a request that came too early.
 */
export function beginRequest(request: IncomingMessage): boolean {
  const socket: Counted = request.socket;
  const count = (socket[OPEN_REQUESTS] ?? 0) + 1;
  socket[OPEN_REQUESTS] = count;
  if (count > PIPELINED_MAX) socket.destroy();
  return count <= PIPELINED_MAX && !socket.destroyed;
}

/** Counts a request down when its answer has ended. */
export function endRequest(request: IncomingMessage): void {
  const socket: Counted = request.socket;
  socket[OPEN_REQUESTS] = (socket[OPEN_REQUESTS] ?? 1) - 1;
}
