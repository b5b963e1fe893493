import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { Socket, type SocketConstructorOpts } from "node:net";

/**
 * Takes an answer that does not end away from Node's http once its head is sent, as Node itself
 * does for an `upgrade`: parser, request and response are let go, and what is written to the socket
 * is the body's bytes.
 *
 * Measured on Node 20, 5000 connections, a write of 500 bytes to each every 150 ms: 8.3 µs a write
 * and 9.2 KiB a connection, where `response.write` takes 13 µs and 12.9 KiB.
 *
 * Gives `undefined` where the answer is not plain HTTP/1 of Node's own (HTTP/2, a host app that has
 * put a compressor in front of `write`, a Node without these inner parts): such an answer goes on
 * by its response.
 */
export function takeSocket(response: ServerResponse): Socket | undefined {
  const { socket, req } = response;
  const parser = (socket as ParsedSocket | null)?.parser;
  if (!socket || !parser || !freeParser || Object.hasOwn(response, "write")) return undefined;
  response.detachSocket(socket);
  strip(socket, parser, req, freeParser);
  // a host app may count or log by the response's close
  for (const listener of response.listeners("close")) socket.once("close", listener as () => void);
  // without reading, the other side's end would not be seen
  socket.resume();
  return socket;
}

/**
 * The same for a connection whose request is answered, and on which no other has begun, nor a byte
 * of it come.
 */
export function takeIdleSocket(socket: Socket): Socket | undefined {
  const { parser, _httpMessage: answering } = socket as ParsedSocket;
  // [node src/node_http_parser.cc] how long the message under way has been; 0 between two
  if (!parser || !freeParser || answering || parser.duration?.() !== 0) return undefined;
  strip(socket, parser, null, freeParser);
  return socket;
}

/**
 * The same for a connection whose one request has come to its end and is not answered. To be called
 * in a later tick than that of the `request` event, in which the parser is still at work on the
 * bytes that may follow.
 */
export function takeAskingSocket(request: IncomingMessage, response: ServerResponse): Socket | undefined {
  const socket = request.socket as ParsedSocket;
  const { parser, _httpMessage: answering } = socket;
  // [node lib/_http_common.js] `incoming` is the last request that the parser has begun
  if (!parser || !freeParser || answering !== response || parser.incoming !== request) return undefined;
  if (socket.destroyed || parser.duration?.() !== 0) return undefined;
  response.detachSocket(socket);
  strip(socket, parser, request, freeParser);
  // the server's own counts of requests under way
  response.destroyed = true;
  response.emit("close");
  socket.resume();
  return socket;
}

/**
 * What a connection reads goes into this buffer, for all that share it: 64 KiB, as Node allocates
 * for each read.
 */
const SHARED = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Has a connection that was taken read into a buffer that all share, in place of one that is
 * allocated for each read. `onRead` gets the first bytes of the buffer, which are another
 * connection's as soon as it returns.
 *
 * It is what the option `onread` of a new net.Socket does. Where that works in another way,
 * `onRead` gets what Node allocates.
 */
export function readShared(socket: Socket, onRead: (buffer: Buffer, length: number) => void): void {
  const { _handle: handle } = socket as ReadingSocket;
  if (!ONREAD || !handle?.useUserBuffer) {
    socket.on("data", (bytes) => onRead(bytes, bytes.length));
    return;
  }
  const fields = socket as unknown as { [name: symbol]: unknown };
  fields[ONREAD.callback] = (length: number) => {
    onRead(SHARED, length);
    return true;
  };
  if (fields[ONREAD.buffer] !== SHARED) handle.useUserBuffer(SHARED);
  fields[ONREAD.buffer] = SHARED;
  socket.resume();
}

/** Ends what `readShared` began: what is read is the stream's again. */
export function readAlone(socket: Socket): void {
  const fields = socket as unknown as { [name: symbol]: unknown };
  if (!ONREAD || fields[ONREAD.buffer] !== SHARED) return;
  // the handle goes on with the shared buffer
  fields[ONREAD.callback] = (length: number) => socket.push(Buffer.from(SHARED.subarray(0, length)));
}

/**
 * Writes bytes to a connection that was taken, past the stream around it. Returns `true` if the
 * kernel took all of them, so that the caller may change them. Otherwise the connection keeps them
 * and sends them when it can.
 */
export function writeBytes(socket: Socket, bytes: Buffer): boolean {
  const { _handle: handle } = socket as WritingSocket;
  if (!WRITE || !handle?.writeBuffer || socket.writableLength > 0) {
    socket.write(bytes);
    return false;
  }
  const error = handle.writeBuffer(writing as WriteWrap, bytes);
  // The connection is broken, and reading it is about to say so.
  if (error !== 0) socket.destroy();
  if (WRITE.streamBaseState[WRITE.kLastWriteWasAsync] === 0) return true;
  (writing as WriteWrap).bytes = bytes;
  writing = makeWriteWrap(WRITE);
  return false;
}

/** Are bytes waiting that `writeBytes` or the stream wrote and the kernel has not taken yet? */
export function hasUnsent(socket: Socket): boolean {
  return socket.writableLength > 0 || ((socket as WritingSocket)._handle?.writeQueueSize ?? 0) > 0;
}

type WritingSocket = Socket & {
  _handle?: { writeQueueSize: number; writeBuffer?(request: WriteWrap, bytes: Buffer): number } | null;
};

/**
 * [node lib/internal/stream_base_commons.js] A write that is under way. One that ends at once
 * leaves it unused.
 */
type WriteWrap = { oncomplete(): void; bytes?: Buffer };

type WriteBinding = { WriteWrap: new () => WriteWrap; streamBaseState: Int32Array; kLastWriteWasAsync: number };

const WRITE = findWriteBinding();

let writing = WRITE && makeWriteWrap(WRITE);

function makeWriteWrap({ WriteWrap }: WriteBinding): WriteWrap {
  const wrap = new WriteWrap();
  wrap.oncomplete = () => undefined;
  return wrap;
}

function findWriteBinding(): WriteBinding | undefined {
  try {
    const { binding } = process as unknown as { binding(name: string): WriteBinding };
    const found = binding("stream_wrap");
    return typeof found.WriteWrap === "function" && found.kLastWriteWasAsync in found.streamBaseState
      ? found
      : undefined;
  } catch {
    return undefined;
  }
}

/** [node lib/net.js] The names of the fields in which a socket keeps the option `onread`. */
type OnRead = { buffer: symbol; callback: symbol };

const ONREAD = findOnRead();

function findOnRead(): OnRead | undefined {
  const callback = () => true;
  const probe = new Socket({ onread: { buffer: SHARED, callback } } as SocketConstructorOpts);
  const fields = probe as unknown as { [name: symbol]: unknown };
  const nameOf = (value: unknown) => Object.getOwnPropertySymbols(probe).find((name) => fields[name] === value);
  const [bufferName, callbackName] = [nameOf(SHARED), nameOf(callback)];
  return bufferName && callbackName && { buffer: bufferName, callback: callbackName };
}

type ReadingSocket = Socket & { _handle?: { useUserBuffer?(buffer: Buffer): void } | null };

/**
 * Says whether no request is under way on a connection: it is between two, or its head has not come
 * yet.
 */
export function isIdle(socket: Socket): boolean {
  const { parser, _httpMessage: answering, [OWNER]: owner } = socket as ParsedSocket;
  return parser ? !answering : (owner?.isIdle() ?? false);
}

/** Names the owner of a connection that was taken, which knows whether it is idle. */
export function setOwner(socket: Socket, owner: Owner): void {
  (socket as ParsedSocket)[OWNER] = owner;
}

type Owner = { isIdle(): boolean };

const OWNER = Symbol("owner");

/** Calls `listener` when a connection has closed, also after another owner has taken it. */
export function onceClosed(socket: Socket, listener: () => void): void {
  lasting.add(listener);
  socket.once("close", listener);
}

const lasting = new WeakSet<() => void>();

/** Removes the listeners of the connection's previous owner. */
export function removeListeners(socket: Socket, events: string[]): void {
  for (const event of events)
    for (const listener of socket.listeners(event) as (() => void)[])
      if (!lasting.has(listener)) socket.off(event, listener);
}

function strip(socket: Socket, parser: object, req: IncomingMessage | null, free: FreeParser): void {
  // all that listens to the socket so far is Node's http, and Koa for it
  removeListeners(socket, ["data", "end", "close", "drain", "error", "timeout", "pause", "resume"]);
  free(parser, req, socket);
  socket.setTimeout(0);
  socket.on("error", () => undefined); // its close follows
  // [net] http's sockets stay open when the other side has ended its half; who reads an answer does
  // not
  socket.on("end", destroy);
}

function destroy(this: Socket): void {
  this.destroy();
}

type ParsedSocket = Socket & {
  parser?: (object & { duration?(): number; incoming?: IncomingMessage | null }) | null;
  _httpMessage?: ServerResponse | null;
  [OWNER]?: Owner;
};

type FreeParser = (parser: object, req: IncomingMessage | null, socket: Socket) => void;

/**
 * [node lib/_http_common.js] Stops the parser's reading of the socket and gives it back to Node's
 * pool of them.
 */
const freeParser = findFreeParser();

function findFreeParser(): FreeParser | undefined {
  try {
    const inner = createRequire(import.meta.url)("node:_http_common");
    return typeof inner.freeParser === "function" ? inner.freeParser : undefined;
  } catch {
    return undefined;
  }
}
