import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Running } from "./network.ts";

/** One connection through a TCP proxy, and the faults it can have. */
export type Strand = {
  /** Drops all further bytes without notifying either side. */
  fallSilent(): void;
  /** Resets both sides. */
  reset(): void;
  /**
   * Delays all further bytes. `ms` returns for how long, by their number and by how long those
   * before them still take. Bytes never overtake each other.
   */
  delay(ms: (piece: { bytes: number; isUp: boolean; waitingMs: number }) => number): void;
  /** Calls `listener` for bytes from either side. */
  onData(listener: () => void): void;
  onEnd(listener: () => void): void;
};

/**
 * Opens a TCP proxy to `target`. `befall` is called with each new connection and may damage it.
 * Serves at most `most` connections at once, and lets further ones wait until one is closed.
 */
export async function openWire(
  target: string,
  befall: (strand: Strand) => void,
  most = Number.POSITIVE_INFINITY,
): Promise<Running> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const parked: Socket[] = [];
  let served = 0;
  const serve = (near: Socket) => {
    served += 1;
    near.once("close", () => {
      served -= 1;
      const next = parked.find((socket) => !socket.destroyed);
      if (next === undefined) return;
      parked.splice(0, parked.indexOf(next) + 1);
      serve(next);
    });
    const far = connect({ host: hostname, port: Number(port) });
    sockets.add(far);
    far.once("close", () => sockets.delete(far));
    befall(strand(near, far));
    near.resume();
  };
  const server = createServer({ pauseOnConnect: true }, (near) => {
    sockets.add(near);
    near.once("close", () => sockets.delete(near));
    near.on("error", () => near.destroy());
    if (served < most) serve(near);
    else parked.push(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function strand(near: Socket, far: Socket): Strand {
  let isSilent = false;
  let delayMs: Parameters<Strand["delay"]>[0] | undefined;
  const carry = (from: Socket, to: Socket) => {
    let untilMs = 0;
    const pass = (piece: Buffer) => {
      if (isSilent || to.destroyed || to.write(piece)) return;
      from.pause();
      to.once("drain", () => from.resume());
    };
    from.setNoDelay(true);
    from.on("error", () => from.destroy());
    from.on("data", (piece: Buffer) => {
      if (delayMs === undefined) {
        pass(piece);
        return;
      }
      const waitingMs = Math.max(0, untilMs - Date.now());
      const ms = Math.max(waitingMs, delayMs({ bytes: piece.length, isUp: from === near, waitingMs }));
      untilMs = Date.now() + ms;
      setTimeout(() => pass(piece), ms);
    });
    // In a dead connection, the other side is not notified.
    from.on("close", () => setTimeout(() => isSilent || to.destroySoon(), Math.max(0, untilMs - Date.now())));
  };
  carry(near, far);
  carry(far, near);
  return {
    delay: (ms) => {
      delayMs = ms;
    },
    fallSilent: () => {
      isSilent = true;
      for (const socket of [near, far]) socket.resume();
    },
    reset: () => {
      for (const socket of [near, far]) socket.resetAndDestroy();
    },
    onData: (listener) => {
      for (const socket of [near, far]) socket.on("data", listener);
    },
    onEnd: (listener) => near.once("close", listener),
  };
}

/** Forgets connections silently after `idleMs` without bytes, as a NAT does. */
export function forgetIdle(idleMs: number): (strand: Strand) => void {
  return (strand) => {
    const timer = setTimeout(strand.fallSilent, idleMs);
    strand.onData(() => timer.refresh());
    strand.onEnd(() => clearTimeout(timer));
  };
}

/** Forgets each connection silently, at a random age between the two. */
export function forgetOld(fromMs: number, toMs = fromMs): (strand: Strand) => void {
  return (strand) => {
    const timer = setTimeout(strand.fallSilent, fromMs + Math.random() * (toMs - fromMs));
    strand.onEnd(() => clearTimeout(timer));
  };
}

/** Delays bytes by a random time between the two, and one piece of 70 by a lost packet's 2.5 s. */
export function loseNowAndThen(fromMs: number, toMs: number): (strand: Strand) => void {
  return ({ delay }) => delay(() => (Math.random() < 0.015 ? 2_500 : fromMs + Math.random() * (toMs - fromMs)));
}

/** Sends this many bytes in a second, and receives without delay. */
export function slowUplink(bytesPerSecond: number): (strand: Strand) => void {
  return ({ delay }) =>
    delay(({ bytes, isUp, waitingMs }) => (isUp ? waitingMs + (bytes / bytesPerSecond) * 1_000 : 0));
}

/** Receives this many bytes in a second, and sends without delay. */
export function slowDownlink(bytesPerSecond: number): (strand: Strand) => void {
  return ({ delay }) =>
    delay(({ bytes, isUp, waitingMs }) => (isUp ? 0 : waitingMs + (bytes / bytesPerSecond) * 1_000));
}

/** Takes 100 to 200 ms each way, and every eight seconds lets nothing through for two. */
export function move({ delay }: Strand): void {
  delay(() => {
    const goneMs = 2_000 - (Date.now() % 8_000);
    return Math.max(0, goneMs) + 100 + Math.random() * 100;
  });
}

/** Resets each connection at a random age between the two. */
export function resetAtRandom(fromMs: number, toMs: number): (strand: Strand) => void {
  return (strand) => {
    const timer = setTimeout(strand.reset, fromMs + Math.random() * (toMs - fromMs));
    strand.onEnd(() => clearTimeout(timer));
  };
}
