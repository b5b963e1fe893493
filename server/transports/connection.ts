import type { ServerResponse } from "node:http";
import { Connection, Session } from "better-sse";

/**
 * Opens an endless answer on a response that nobody has written to and whose headers are set. `onClose` is called once,
 * when the connection ends. Resolves when the head is sent.
 */
export async function openConnection(response: ServerResponse, onClose: () => void): Promise<SharedConnection> {
  const connection = new SharedConnection(response);
  // [trust 1.2] no retry and no comment of better-sse's own: a block without data is an empty event to six libraries
  const session = new Session(connection, { retry: null, keepAlive: null, trustClientEventId: false });
  session.once("disconnected", onClose);
  await new Promise<void>((resolve) => {
    session.once("connected", resolve);
    session.once("disconnected", resolve);
  });
  return connection;
}

/** better-sse's end of a response, but the bytes are ours: encoded once, and the same Buffer for every reader of a room. */
export class SharedConnection extends Connection {
  url = NO_URL;
  request: Request;
  response = new Response();
  #res: ServerResponse;
  #closed = new AbortController();

  constructor(res: ServerResponse) {
    super();
    this.#res = res;
    this.request = new Request(NO_URL, { signal: this.#closed.signal });
    res.socket?.setNoDelay(true);
    // [dust-tt/dust#24357] the response's close: the request's never comes once its body is read
    res.once("close", () => this.#closed.abort());
    if (res.destroyed) this.#closed.abort();
  }

  sendHead(): void {
    this.#res.writeHead(200);
    this.#res.flushHeaders();
  }

  sendChunk(chunk: string): void {
    if (chunk !== "") this.#res.write(chunk);
  }

  cleanup(): void {}

  send(frame: Buffer | string): void {
    if (!this.#res.writableEnded && !this.#res.destroyed) this.#res.write(frame);
  }

  unsent(): number {
    return this.#res.writableLength;
  }

  /** Resolves when it is worth writing on, or when the connection has ended. */
  drained(): Promise<void> {
    const res = this.#res;
    if (!res.writableNeedDrain || res.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        res.off("drain", done);
        res.off("close", done);
        resolve();
      };
      res.on("drain", done);
      res.on("close", done);
    });
  }

  end(last = ""): void {
    // who has left 256 KiB unread will not read an ending either
    if (this.#res.writableNeedDrain) this.#res.destroy();
    else this.#res.end(last);
  }
}

/** The query belongs to our route; better-sse would read `padding` and `evs_preamble` from it and write blocks without data. */
const NO_URL = new URL("http://localhost/");
