import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy on this machine that misbehaves when told to; for HTTP and for PostgreSQL. */
export type BadProxy = {
  /** The same URL, by way of this proxy. */
  through(url: string): string;
  /** Behaves from now on. What was swallowed stays swallowed; what was held back comes late. */
  pass(): Promise<void>;
  /** Breaks every connection; new ones pass. */
  cut(): void;
  /** Breaks every connection and takes no new one. */
  refuse(): Promise<void>;
  /** Keeps connections and lets nothing through; those that are open now stay dumb for good, as after a NAT's amnesia. */
  blackHole(): void;
  /** Stops reading, so that whoever sends has it on its hands; new connections are taken and not read either. */
  stopReading(): void;
  /** Passes each piece this much later. */
  delay(delayMs: number): void;
  /** Swallows what the far side sends from now on, and breaks the connection with the first such piece. */
  cutBeforeAnswer(): void;
  /** Connections open now. */
  connections(): number;
  close(): Promise<void>;
};

type Mood = { kind: "pass" | "hole" | "still" | "late" | "mute"; delayMs: number };

type Pair = { near: Socket; far: Socket; isDumb: boolean };

/** Opens a proxy to the host and port of `target`, a URL. */
export async function openBadProxy(target: string): Promise<BadProxy> {
  const { hostname, port: farPort } = new URL(target);
  const pairs = new Set<Pair>();
  let mood: Mood = { kind: "pass", delayMs: 0 };
  const server = createServer({ allowHalfOpen: true }, onConnection);
  await listen(0);
  const { port } = server.address() as AddressInfo;

  return {
    through,
    pass,
    cut,
    refuse,
    blackHole: () => {
      mood = { kind: "hole", delayMs: 0 };
      for (const pair of pairs) pair.isDumb = true;
    },
    stopReading: () => {
      mood = { kind: "still", delayMs: 0 };
      for (const pair of pairs) for (const socket of [pair.near, pair.far]) socket.pause();
    },
    delay: (delayMs) => {
      mood = { kind: "late", delayMs };
    },
    cutBeforeAnswer: () => {
      mood = { kind: "mute", delayMs: 0 };
    },
    connections: () => pairs.size,
    close: async () => {
      cut();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };

  function listen(onPort: number): Promise<void> {
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(onPort, "127.0.0.1", resolve);
    });
  }

  function through(url: string): string {
    const here = new URL(url);
    here.hostname = "127.0.0.1";
    here.port = String(port);
    return here.href;
  }

  async function pass(): Promise<void> {
    mood = { kind: "pass", delayMs: 0 };
    for (const { near, far } of pairs) for (const socket of [near, far]) socket.resume();
    if (!server.listening) await listen(port);
  }

  function cut(): void {
    for (const { near, far } of pairs) for (const socket of [near, far]) socket.destroy();
    pairs.clear();
  }

  async function refuse(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    cut();
    await closed;
  }

  function onConnection(near: Socket): void {
    const far = connect({ host: hostname, port: Number(farPort), allowHalfOpen: true });
    const pair: Pair = { near, far, isDumb: mood.kind === "hole" };
    pairs.add(pair);
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => onClose(pair));
    }
    carry(pair, near, far);
    carry(pair, far, near);
    if (mood.kind === "still") for (const socket of [near, far]) socket.pause();
  }

  /** One direction, with its end; a slow taker holds up the giver. */
  function carry(pair: Pair, from: Socket, to: Socket): void {
    from.on("data", (piece) => {
      if (pair.isDumb) return;
      if (mood.kind === "mute" && from === pair.far) onClose(pair);
      else if (mood.kind === "late") setTimeout(() => to.write(piece), mood.delayMs);
      else if (!to.write(piece)) {
        from.pause();
        to.once("drain", () => mood.kind !== "still" && from.resume());
      }
    });
    from.on("end", () => pair.isDumb || setTimeout(() => to.end(), mood.delayMs));
  }

  /** In a black hole the other side is not told. */
  function onClose(pair: Pair): void {
    if (pair.isDumb && !(pair.near.destroyed && pair.far.destroyed)) return;
    pair.near.destroy();
    pair.far.destroy();
    pairs.delete(pair);
  }
}
