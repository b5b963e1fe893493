import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { Socket, type SocketConstructorOpts } from "node:net";

/**
 * Takes the socket of an endless answer from Node's http once the head is sent, as Node itself does
 * for an `upgrade`: parser, request and response are released, and bytes written to the socket are
 * bytes of the body. Returns `undefined` if the answer is not plain HTTP/1 of Node's own: over
 * HTTP/2, with a compressor in front of `write`, or in a Node without these internals.
 *
 * Measured on Node 20 with 5,000 connections, 500 bytes written to each every 150 ms: 8.3 µs for a
 * write and 9.2 KiB for a connection; `response.write` takes 13 µs and 12.9 KiB.
 */
export function takeSocket(response: ServerResponse): Socket | undefined {
  const { socket, req } = response;
  if (!socket || !(socket as ParsedSocket).parser || !freeParser || Object.hasOwn(response, "write")) return undefined;
  response.detachSocket(socket);
  release(socket, req);
  // Requests are counted and logged when their responses close.
  for (const listener of response.listeners("close")) socket.once("close", listener as () => void);
  // A socket that is not read does not notice the other side's end.
  socket.resume();
  return socket;
}

/**
 * Takes the socket of a connection whose request is answered, and on which no byte of another
 * request has arrived.
 */
export function takeIdleSocket(socket: Socket): Socket | undefined {
  const { parser, _httpMessage: answering } = socket as ParsedSocket;
  if (!parser || !freeParser || answering || !isBetweenRequests(parser)) return undefined;
  release(socket, null);
  return socket;
}

/**
 * Takes the socket of a connection whose only request has arrived to its end and is not answered.
 * Call it in a later tick than that of the `request` event: in that tick the parser still works on
 * the bytes that may follow.
 */
export function takeAskingSocket(request: IncomingMessage, response: ServerResponse): Socket | undefined {
  const socket = request.socket as ParsedSocket;
  const { parser, _httpMessage: answering } = socket;
  // [node lib/_http_common.js] `incoming` is the last request that the parser has begun.
  if (!parser || !freeParser || answering !== response || parser.incoming !== request) return undefined;
  if (socket.destroyed || !isBetweenRequests(parser)) return undefined;
  response.detachSocket(socket);
  release(socket, request);
  // The server counts its running requests by these.
  response.destroyed = true;
  response.emit("close");
  socket.resume();
  return socket;
}

/**
 * [node src/node_http_parser.cc] Returns whether the parser has no byte of a next request: then the
 * input may end here. While a parser works on bytes, that question would end the process, so one
 * that has a current buffer is not asked.
 */
function isBetweenRequests(parser: Parser): boolean {
  // The duration of the message being parsed, 0 between two. Node 20 has it, and there the buffer
  // of the poll that is being answered is still current.
  if (parser.duration !== undefined) return parser.duration() === 0;
  return parser.getCurrentBuffer().length === 0 && parser.finish() === undefined;
}

/**
 * The buffer for the reads of all connections that share it: 64 KiB, as Node allocates for each.
 */
const SHARED = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Lets a taken connection read into a shared buffer instead of one that is allocated for each read.
 * `onRead` gets the buffer and the number of bytes read, which belong to another connection as soon
 * as it returns.
 *
 * The option `onread` of a new net.Socket does the same. In a Node where that works differently,
 * `onRead` gets buffers that Node allocates.
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

/** Reverts `readShared`: bytes that are read go to the stream again. */
export function readAlone(socket: Socket): void {
  const fields = socket as unknown as { [name: symbol]: unknown };
  if (!ONREAD || fields[ONREAD.buffer] !== SHARED) return;
  // The handle still reads into the shared buffer.
  fields[ONREAD.callback] = (length: number) => socket.push(Buffer.from(SHARED.subarray(0, length)));
}

/**
 * Writes bytes to a taken connection, bypassing the stream around it. Returns `true` if the
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
  // The connection is broken, and the next read would report it.
  if (error !== 0) socket.destroy();
  if (WRITE.streamBaseState[WRITE.kLastWriteWasAsync] === 0) return true;
  (writing as WriteWrap).bytes = bytes;
  writing = makeWriteWrap(WRITE);
  return false;
}

/** Returns whether the kernel has not yet taken all bytes that were written. */
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
 * Returns whether no request is running on a connection: it is between two, or the head of the
 * first has not arrived yet.
 */
export function isIdle(socket: Socket): boolean {
  const { parser, _httpMessage: answering, [OWNER]: owner } = socket as ParsedSocket;
  return parser ? !answering : (owner?.isIdle() ?? false);
}

/** Sets the owner of a taken connection, which knows whether it is idle. */
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

function release(socket: Socket, request: IncomingMessage | null): void {
  const { parser } = socket as ParsedSocket;
  // So far, only Node's http and Koa listen to the socket.
  removeListeners(socket, ["data", "end", "close", "drain", "error", "timeout", "pause", "resume"]);
  if (parser) freeParser?.(parser, request, socket);
  socket.setTimeout(0);
  // An error is followed by `close`.
  socket.on("error", () => undefined);
  // [net] When the other side ends its half, the sockets of http stay open. This one closes.
  socket.on("end", destroy);
}

function destroy(this: Socket): void {
  this.destroy();
}

type ParsedSocket = Socket & {
  parser?: Parser | null;
  _httpMessage?: ServerResponse | null;
  [OWNER]?: Owner;
};

type Parser = {
  incoming?: IncomingMessage | null;
  duration?(): number;
  getCurrentBuffer(): Buffer;
  finish(): Error | undefined;
};

type FreeParser = (parser: object, req: IncomingMessage | null, socket: Socket) => void;

/** [node lib/_http_common.js] Detaches a parser from its socket and returns it to Node's pool. */
const freeParser = findFreeParser();

/**
 * Does this Node have the inner parts that the fast path needs? Without them, streams and polls
 * take the plain path, which costs more.
 */
export const HAS_FAST_PATH = freeParser !== undefined && ONREAD !== undefined && WRITE !== undefined;

function findFreeParser(): FreeParser | undefined {
  // [Bun 1.4] It has the functions, and its connections have another parser.
  if (process.versions.bun !== undefined) return undefined;
  try {
    const { freeParser, HTTPParser } = createRequire(import.meta.url)("node:_http_common");
    const functions = [freeParser, HTTPParser.prototype.getCurrentBuffer, HTTPParser.prototype.finish];
    return functions.every((one) => typeof one === "function") ? freeParser : undefined;
  } catch {
    return undefined;
  }
}
