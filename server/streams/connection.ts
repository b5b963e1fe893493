import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Connection as BetterSseConnection, Session } from "better-sse";
import { chunkOf, LAST_CHUNK, takeSocket } from "./socket.ts";

/**
 * Opens an endless answer on a response that nobody has written to and whose headers are set. `onClose` is called once,
 * when the connection ends. Resolves when the head is sent.
 */
export async function openConnection(response: ServerResponse, onClose: () => void): Promise<Connection> {
  response.socket?.setNoDelay(true);
  // the socket is not given back to Node's http, see bare-socket.ts: nobody may bring it another request
  response.shouldKeepAlive = false;
  await sendHead(response);
  const isChunked = response.chunkedEncoding;
  const socket = takeSocket(response);
  return new Connection(socket ?? response, isChunked && socket !== undefined, onClose);
}

/** One of thousands: what is written to it is encoded already, and the same Buffer for every reader of a room. */
export class Connection {
  #out: Socket | ServerResponse;
  #isChunked: boolean;

  /** `out` is the bare socket, `isChunked` whether its body goes in chunks; or the response. */
  constructor(out: Socket | ServerResponse, isChunked: boolean, onClose: () => void) {
    this.#out = out;
    this.#isChunked = isChunked;
    // [dust-tt/dust#24357] not the request's close: that never comes once its body is read
    if (out.destroyed) queueMicrotask(onClose);
    else out.once("close", onClose);
  }

  send(frame: Buffer): void {
    const out = this.#out;
    if (!out.writableEnded && !out.destroyed) out.write(this.#isChunked ? chunkOf(frame) : frame);
  }

  /** Bytes that were written and have not left this process. */
  unsent(): number {
    return this.#out.writableLength;
  }

  /** Resolves when it is worth writing on, or when the connection has ended. */
  drained(): Promise<void> {
    const out = this.#out;
    if (!out.writableNeedDrain || out.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        out.off("drain", done);
        out.off("close", done);
        resolve();
      };
      out.on("drain", done);
      out.on("close", done);
    });
  }

  end(last?: Buffer): void {
    const out = this.#out;
    // who has left so much unread will not read an ending either
    if (out.writableNeedDrain) out.destroy();
    if (out.writableEnded || out.destroyed) return;
    if (last) this.send(last);
    if ("destroySoon" in out) this.#hangUp(out);
    else out.end();
  }

  #hangUp(socket: Socket): void {
    socket.setTimeout(GOODBYE_MS, () => socket.destroy());
    if (this.#isChunked) socket.write(LAST_CHUNK);
    socket.destroySoon();
  }
}

/** Who does not read an ending is let go of: sooner than a node that stops would wait for him, see serve.ts. */
const GOODBYE_MS = 5_000;

/** better-sse answers the request; what follows the head is ours. */
async function sendHead(response: ServerResponse): Promise<void> {
  const connection = new HeadConnection(response);
  // [trust 1.2] no retry and no comment of better-sse's own: a block without data is an empty event to six libraries
  const session = new Session(connection, { retry: null, keepAlive: null, trustClientEventId: false });
  await new Promise<void>((resolve) => session.once("connected", resolve));
}

/** better-sse's end of a response. */
class HeadConnection extends BetterSseConnection {
  url = NO_URL;
  request = new Request(NO_URL);
  response = new Response();
  #res: ServerResponse;

  constructor(res: ServerResponse) {
    super();
    this.#res = res;
  }

  sendHead(): void {
    this.#res.writeHead(200);
    this.#res.flushHeaders();
  }

  sendChunk(chunk: string): void {
    if (chunk !== "") this.#res.write(chunk);
  }

  cleanup(): void {}
}

/** The query belongs to our route; better-sse would read `padding` and `evs_preamble` from it and write blocks without data. */
const NO_URL = new URL("http://localhost/");
