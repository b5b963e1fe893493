import { connect, type Socket } from "node:net";

/** An answer, a character a byte. `status` 0: the connection ended before it was whole. */
export type ServerAnswer = { status: number; head: string; body: string };

/** One person's connections to the server, kept open as a browser and Node's fetch keep them. */
export type BenchConnections = {
  /** Sends a request over a connection that nothing else waits on, a new one if there is none. */
  ask(request: string): Promise<ServerAnswer>;
  /**
   * Sends a request over a connection of its own whose answer does not end. `onBytes` must not keep
   * the bytes.
   */
  follow(request: string, onBytes: (bytes: Buffer) => void): { opened: Promise<void>; ended: Promise<void> };
  /** Resolves once the newest connection stands, or has failed. */
  connected(): Promise<void>;
};

/**
 * Where a person's connections come from and lead, and how many of them their client opens at most.
 */
export type Way = { port: number; address: string; most: number };

/** Chromium opens six connections to a host. */
export const MOST_OF_A_PAGE = 6;

/** All reads go into one buffer: nothing is allocated for what 1000 readers are sent. */
const RECEIVED = Buffer.allocUnsafe(256 * 1024);

type Connection = { socket: Socket; onBytes: (bytes: Buffer) => void; onEnd: () => void };

const NO_ANSWER: ServerAnswer = { status: 0, head: "", body: "" };

/** Opens none yet. */
export function createConnections(way: Way): BenchConnections {
  /** In the order in which they were last used: the last is taken first, as Chromium does. */
  const idle: Connection[] = [];
  const waiting: (() => void)[] = [];
  let open = 0;
  let connected: Promise<void> = Promise.resolve();
  return { ask, follow, connected: () => connected };

  async function ask(request: string): Promise<ServerAnswer> {
    while (idle.length === 0 && open >= way.most) await new Promise<void>((resolve) => waiting.push(resolve));
    const kept = idle.pop();
    let connection = kept ?? dial();
    let answer = await exchange(connection, request);
    // A kept connection may end just as it is taken: clients send the request again over another.
    if (kept && answer.status === 0) {
      connection = dial();
      answer = await exchange(connection, request);
    }
    if (/^connection: *close/im.test(answer.head)) connection.socket.destroy();
    if (!connection.socket.destroyed) idle.push(connection);
    waiting.shift()?.();
    return answer;
  }

  function exchange(connection: Connection, request: string): Promise<ServerAnswer> {
    return new Promise((resolve) => {
      let received = "";
      connection.onBytes = (bytes) => {
        received += bytes.toString("latin1");
        const answer = readAnswer(received);
        if (answer) resolve(answer);
      };
      connection.onEnd = () => resolve(NO_ANSWER);
      connection.socket.write(request);
    });
  }

  function follow(request: string, onBytes: (bytes: Buffer) => void) {
    const connection = dial();
    let onFirst: () => void;
    const opened = new Promise<void>((resolve) => {
      onFirst = resolve;
    });
    const ended = new Promise<void>((resolve) => {
      connection.onEnd = resolve;
    });
    connection.onBytes = (bytes) => {
      onBytes(bytes);
      onFirst();
    };
    connection.socket.write(request);
    return { opened: Promise.race([opened, ended]), ended };
  }

  function dial(): Connection {
    const { port, address } = way;
    open += 1;
    const callback = (length: number) => {
      connection.onBytes(RECEIVED.subarray(0, length));
      return true;
    };
    const onread = { buffer: RECEIVED, callback };
    const socket = connect({ port, host: "127.0.0.1", localAddress: address, noDelay: true, onread });
    const connection: Connection = { socket, onBytes: ignore, onEnd: ignore };
    socket.on("error", ignore); // Its close follows
    connected = new Promise((resolve) => {
      socket.once("connect", () => resolve()).once("close", () => resolve());
    });
    socket.once("close", () => {
      open -= 1;
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
      connection.onEnd();
    });
    return connection;
  }
}

/** The answer in what was received; `undefined` while it is not whole. */
function readAnswer(received: string): ServerAnswer | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const head = received.slice(0, headEnd);
  const end = endOfBody(received, head, headEnd + 4);
  return end === undefined
    ? undefined
    : { status: Number(head.slice(9, 12)), head, body: received.slice(headEnd + 4, end) };
}

function endOfBody(received: string, head: string, start: number): number | undefined {
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined) return received.length < start + Number(length) ? undefined : start + Number(length);
  if (!/^transfer-encoding: *chunked/im.test(head)) return start;
  const lastChunk = received.indexOf("\r\n0\r\n\r\n", start - 4);
  return lastChunk < 0 ? undefined : lastChunk + 7;
}

function ignore(): void {}
