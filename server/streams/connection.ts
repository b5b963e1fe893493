import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import { Connection, EventBuffer, Session } from "better-sse";
import { takeSocket, writeBytes } from "./socket.ts";

/**
 * The connection of an answer that goes on: takes encoded bytes, the same Buffer for every reader
 * of a room.
 */
export type StreamConnection = {
  send(frame: Buffer): void;
  /** Returns the bytes that were sent and have not left this process. */
  unsent(): number;
  /** Resolves when the client has read enough to be sent more, or when the connection has ended. */
  drained(): Promise<void>;
  end(last?: Buffer): void;
};

type Options = {
  /**
   * Is the server the site's own? In a host's app, the host may count or change the bytes of its
   * response.
   */
  isOwnServer: boolean;
  /** Called once, when the connection has ended. */
  onClose(): void;
};

/**
 * Begins an answer that goes on, on a response whose headers are set and to which nothing was
 * written.
 *
 * On the fast path the head is sent at once, and the bare socket carries the body. On the plain
 * path, in a host's app, over HTTP/2, or where Node's http does not hand out the socket, a
 * better-sse session carries it.
 */
export function openConnection(response: ServerResponse, { isOwnServer, onClose }: Options): StreamConnection {
  response.socket?.setNoDelay(true);
  // After such an answer, nobody may send another request on this connection.
  response.shouldKeepAlive = false;
  if (!isOwnServer) return new SessionConnection(response, onClose);
  response.writeHead(200);
  response.flushHeaders();
  const isChunked = response.chunkedEncoding;
  const socket = takeSocket(response);
  return socket ? new SocketConnection(socket, isChunked, onClose) : new SessionConnection(response, onClose);
}

/**
 * The fast path. There are thousands of these, and all of a reader's bytes pass through one: no
 * closure, no copy.
 */
class SocketConnection implements StreamConnection {
  #socket: Socket;
  #isChunked: boolean;
  /**
   * Has the kernel taken every write at once so far? If not, the stream counts the unsent bytes.
   */
  #isKeepingUp = true;

  constructor(socket: Socket, isChunked: boolean, onClose: () => void) {
    this.#socket = socket;
    this.#isChunked = isChunked;
    socket.once("close", onClose);
  }

  send(frame: Buffer): void {
    const socket = this.#socket;
    if (socket.writableEnded || socket.destroyed) return;
    const bytes = this.#isChunked ? chunkOf(frame) : frame;
    if (this.#isKeepingUp && socket.writableLength === 0) this.#isKeepingUp = writeBytes(socket, bytes);
    else socket.write(bytes);
  }

  unsent(): number {
    return this.#socket.writableLength;
  }

  drained(): Promise<void> {
    return drained(this.#socket);
  }

  end(last?: Buffer): void {
    const socket = this.#socket;
    // A client that has left this much unread will not read an ending either.
    if (socket.writableNeedDrain) socket.destroy();
    if (socket.writableEnded || socket.destroyed) return;
    if (last) this.send(last);
    socket.setTimeout(GOODBYE_MS, () => socket.destroy());
    if (this.#isChunked) socket.write(LAST_CHUNK);
    socket.destroySoon();
  }
}

/**
 * A client that does not read the ending is disconnected, sooner than a stopping node would give up
 * on it; see serve.ts.
 */
const GOODBYE_MS = 5_000;

/**
 * Returns a frame as one chunk of a body [RFC 9112 7.1], the same Buffer for all readers of the
 * frame. Nobody asks for a frame once its room has written the next.
 */
function chunkOf(frame: Buffer): Buffer {
  const known = chunks.get(frame);
  if (known) return known;
  const chunk = Buffer.concat([Buffer.from(`${frame.length.toString(16)}\r\n`), frame, CRLF]);
  chunks.set(frame, chunk);
  return chunk;
}

const chunks = new WeakMap<Buffer, Buffer>();

const CRLF = Buffer.from("\r\n");

const LAST_CHUNK = "0\r\n\r\n";

/**
 * The plain path: a better-sse session sends the head, writes our frames and notices when the
 * client has gone.
 */
class SessionConnection implements StreamConnection {
  #session: Session;
  #response: ServerResponse;
  /** Holds the unsent bytes: the response, or in HTTP/2 its stream. */
  #out: Writable;

  constructor(response: ServerResponse, onClose: () => void) {
    // The first frames may be written before the session sends the head.
    response.statusCode = 200;
    this.#response = response;
    this.#out = (response as Partial<Http2Response>).stream ?? response;
    // [trust 1.2] No retry and no comment from better-sse: six libraries take a block without data
    // for an empty event.
    const options = { retry: null, keepAlive: null, trustClientEventId: false };
    this.#session = new Session(new ResponseConnection(response), options);
    this.#session.once("disconnected", onClose);
  }

  send(frame: Buffer): void {
    if (!this.#response.writableEnded && !this.#out.destroyed) void this.#session.batch(bufferOf(frame));
  }

  unsent(): number {
    return this.#out.writableLength;
  }

  drained(): Promise<void> {
    return drained(this.#out);
  }

  end(last?: Buffer): void {
    if (this.#out.writableNeedDrain) this.#out.destroy();
    if (this.#response.writableEnded || this.#out.destroyed) return;
    if (last) this.send(last);
    this.#response.end();
  }
}

type Http2Response = { stream: Writable };

/** The end of a better-sse session: a response that has its headers. */
class ResponseConnection extends Connection {
  url = NO_URL;
  request: Request;
  response = new Response();
  #response: ServerResponse;

  constructor(response: ServerResponse) {
    super();
    this.#response = response;
    const gone = new AbortController();
    this.request = new Request(NO_URL, { signal: gone.signal });
    // [dust-tt/dust#24357] Not the request's close, which never comes once its body is read.
    response.once("close", () => gone.abort());
  }

  /**
   * A session calls this in a later turn of the loop, when the first frames may have sent the head
   * already.
   */
  sendHead(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(200);
    this.#response.flushHeaders();
  }

  sendChunk(chunk: string): void {
    if (chunk !== "") this.#response.write(chunk);
  }

  cleanup(): void {}
}

/**
 * The query is our route's: from it better-sse would read `padding` and `evs_preamble`, and write
 * blocks without data.
 */
const NO_URL = new URL("http://localhost/");

/** A frame as a better-sse session takes it. */
class FrameBuffer extends EventBuffer {
  override read: () => string;

  constructor(text: string) {
    super();
    this.read = () => text;
  }
}

/** Returns a frame for sessions, made once for all readers of the frame. */
function bufferOf(frame: Buffer): EventBuffer {
  const known = buffers.get(frame);
  if (known) return known;
  const buffer = new FrameBuffer(frame.toString());
  buffers.set(frame, buffer);
  return buffer;
}

const buffers = new WeakMap<Buffer, EventBuffer>();

function drained(out: Writable): Promise<void> {
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
