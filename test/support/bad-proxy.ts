import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy on this machine that misbehaves on demand. For HTTP and for PostgreSQL. */
export type BadProxy = {
  /** Returns the same URL with this proxy as its host. */
  through(url: string): string;
  /** Leads new connections to the host and port of another URL. */
  aim(target: string): void;
  /**
   * Behaves correctly from now on. Dropped bytes stay dropped; bytes that were held back arrive
   * late.
   */
  pass(): Promise<void>;
  /** Breaks every connection. New ones work. */
  cut(): void;
  /** Breaks every connection and accepts no new one. */
  refuse(): Promise<void>;
  /**
   * Keeps connections open but drops everything. The present ones stay silent for good, as if a NAT
   * had forgotten them.
   */
  blackHole(): void;
  /**
   * Stops reading, so that senders have to buffer. New connections are accepted but not read
   * either.
   */
  stopReading(): void;
  /** Passes each piece on after a delay. */
  delay(delayMs: number): void;
  /** Drops all further bytes from the far side, and breaks the connection at the first of them. */
  cutBeforeAnswer(): void;
  /** Returns the number of open connections. */
  connections(): number;
  close(): Promise<void>;
};

type Mood = { kind: "pass" | "hole" | "still" | "late" | "mute"; delayMs: number };

type Pair = { near: Socket; far: Socket; isSilent: boolean };

type State = { target: URL; pairs: Set<Pair>; mood: Mood };

/** Opens a proxy to the host and port of `target`, a URL. */
export async function openBadProxy(target: string): Promise<BadProxy> {
  const state: State = { target: new URL(target), pairs: new Set(), mood: { kind: "pass", delayMs: 0 } };
  const server = createServer({ allowHalfOpen: true }, (near) => onConnection(state, near));
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  const set = (kind: Mood["kind"], delayMs = 0) => {
    state.mood = { kind, delayMs };
  };
  return {
    through: (url) => {
      const here = new URL(url);
      here.hostname = "127.0.0.1";
      here.port = String(port);
      return here.href;
    },
    aim: (other) => {
      state.target = new URL(other);
    },
    pass: async () => {
      set("pass");
      for (const socket of socketsOf(state)) socket.resume();
      if (!server.listening) await listen(server, port);
    },
    cut: () => cut(state),
    refuse: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut(state);
      await closed;
    },
    blackHole: () => {
      set("hole");
      for (const pair of state.pairs) pair.isSilent = true;
    },
    stopReading: () => {
      set("still");
      for (const socket of socketsOf(state)) socket.pause();
    },
    delay: (delayMs) => set("late", delayMs),
    cutBeforeAnswer: () => set("mute"),
    connections: () => state.pairs.size,
    close: async () => {
      cut(state);
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

function socketsOf({ pairs }: State): Socket[] {
  return [...pairs].flatMap(({ near, far }) => [near, far]);
}

function cut(state: State): void {
  for (const socket of socketsOf(state)) socket.destroy();
  state.pairs.clear();
}

function onConnection(state: State, near: Socket): void {
  const { hostname, port } = state.target;
  const far = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const pair: Pair = { near, far, isSilent: state.mood.kind === "hole" };
  state.pairs.add(pair);
  for (const socket of [near, far]) {
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => onClose(state, pair));
    carry(state, pair, socket);
    if (state.mood.kind === "still") socket.pause();
  }
}

/** Carries the bytes of one side, and its end. A slow receiver slows the sender down. */
function carry(state: State, pair: Pair, from: Socket): void {
  const to = from === pair.near ? pair.far : pair.near;
  from.on("data", (piece) => {
    const { kind, delayMs } = state.mood;
    if (pair.isSilent) return;
    if (kind === "mute" && from === pair.far) onClose(state, pair);
    else if (kind === "late") setTimeout(() => to.write(piece), delayMs);
    else if (!to.write(piece)) {
      from.pause();
      to.once("drain", () => state.mood.kind !== "still" && from.resume());
    }
  });
  from.on("end", () => pair.isSilent || setTimeout(() => to.end(), state.mood.delayMs));
}

/** In a black hole, the other side is not notified. */
function onClose({ pairs }: State, pair: Pair): void {
  if (pair.isSilent && !(pair.near.destroyed && pair.far.destroyed)) return;
  pair.near.destroy();
  pair.far.destroy();
  pairs.delete(pair);
}
