import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ByeSignal } from "../../protocol/event.ts";
import type { Hub } from "../delivery/hub.ts";
import type { ReaderPosition } from "../delivery/positions.ts";
import type { KeptConnection, Occupant, Reader, ReaderTransport } from "../delivery/reader.ts";
import type { Signal } from "../delivery/signal.ts";
import type { Slot, Visitor } from "../delivery/slots.ts";
import {
  hasUnsent,
  readAlone,
  readShared,
  removeListeners,
  setOwner,
  takeAskingSocket,
  takeIdleSocket,
} from "../streams/socket.ts";
import { makeAnswer, restOf, restWith, sendAnswer } from "./answer.ts";
import { HEAD_MAX_BYTES, type PollShape, type PollValues, readValues } from "./shape.ts";

/**
 * A poll that has passed every guard. The guards depend on the bytes of a request, the address of
 * its peer, the settings and the time, so they would pass a poll of the same shape from the same
 * peer as well. `positionAt` checks again what can change with time.
 */
export type VerifiedPoll = {
  readonly shape: PollShape;
  /** The answer's head without date and length. */
  readonly head: string;
  /** May its connection carry another request? */
  readonly isKept: boolean;
  readonly waitMs: number;
  readonly visitor: Visitor;
  /**
   * Returns the position of these cursors. Returns `undefined` if a guard could refuse the poll
   * now, or if memory alone cannot tell the position: then the poll takes the slow path.
   */
  positionAt(cursors: string[]): ReaderPosition | undefined;
  /** Creates a reader at a position, not yet attached to its tails. */
  open(transport: ReaderTransport, position: ReaderPosition): Reader;
  /**
   * Attaches a reader to its tails. If `isCounted`, the request counts against the rate limit even
   * if it waits.
   */
  start(reader: Reader, isCounted: boolean): void;
  /** Ends a reader whose answer is sent. */
  end(reader: Reader): void;
};

/** A verified poll of the same shape, and the values of the head at hand. */
export type Found = { poll: VerifiedPoll; values: PollValues };

/** The parts of a node that kept poll connections use. */
export type PollRoad = { hub: Hub; find(peer: string, head: string): Found | undefined };

/** How often idle connections are checked. */
const SWEEP_MS = 1_000;

/**
 * Keeps the connection of a poll that took the slow path and is answered. Most often the same
 * request follows, byte for byte except for cursor and nonce, and is answered here. Any other bytes
 * are handed back to Node's http and take the slow path.
 */
export function keepPolling(socket: ServerSocket, road: PollRoad, poll: VerifiedPoll): void {
  const { server } = socket;
  if (poll.isKept && server && road.hub.slots.isOpenTo(poll.visitor) && takeIdleSocket(socket))
    new KeptPoll({ socket, server, road, poll });
}

/** [node lib/_http_server.js] Node's http keeps a connection's server on its socket. */
type ServerSocket = Socket & { server?: Server };

/**
 * Answers a poll of a verified shape that has just arrived through Node's http, on whatever
 * connection, and keeps the connection if the poll allows that. Returns `false` if the poll has to
 * take the slow path.
 */
export function answerAsVerified(response: ServerResponse, road: PollRoad, { poll, values }: Found): boolean {
  const { req: request } = response;
  const { server } = request.socket as ServerSocket;
  const position = poll.positionAt(values.cursors);
  if (!position || !server || !road.hub.slots.isOpenTo(poll.visitor)) return false;
  const socket = takeAskingSocket(request, response);
  if (socket) new KeptPoll({ socket, server, road, poll }).begin(position, values.nonce, true);
  return socket !== undefined;
}

type KeptPollOptions = { socket: Socket; server: Server; road: PollRoad; poll: VerifiedPoll };

/**
 * A poller's connection. There are thousands of these, and each carries one poll after the other.
 */
class KeptPoll implements ReaderTransport, KeptConnection {
  readonly name = "poll";
  readonly format = "json";
  #socket: Socket;
  #server: Server;
  #road: PollRoad;
  /** The latest poll that it carried. */
  #poll: VerifiedPoll;
  #slot: Slot<Occupant> | undefined;
  #reader: Reader | undefined;
  #nonce: string | undefined;
  #answeredAt = performance.now();

  constructor({ socket, server, road, poll }: KeptPollOptions) {
    this.#socket = socket;
    this.#server = server;
    this.#road = road;
    this.#poll = poll;
    socket.once("close", () => this.#onClose());
    setOwner(socket, this);
    sweepOften(this);
    this.#slot = road.hub.slots.take(this, poll.visitor);
    if (!this.#slot) socket.destroySoon();
    readShared(socket, (buffer, length) => this.#onRead(buffer, length));
  }

  get firstHeartbeatMs(): number {
    return this.#poll.waitMs;
  }

  isIdle(): boolean {
    return this.#reader === undefined;
  }

  begin(position: ReaderPosition, nonce: string | undefined, isCounted: boolean): void {
    this.#nonce = nonce;
    this.#reader = this.#poll.open(this, position);
    this.#reader.nonce = nonce;
    this.#poll.start(this.#reader, isCounted);
  }

  write(frame: Buffer, of: Reader): void {
    this.#answer(of, restOf(of, frame));
  }

  signal(signal: Signal, of: Reader): void {
    if (signal.name === "reset") this.#answer(of, restWith(of, { resets: signal.data }));
    if (signal.name === "room") this.#answer(of, restWith(of));
    if (signal.name === "bye") {
      this.#answer(of, restWith(of, { bye: signal.data }));
      this.#socket.destroySoon();
    }
  }

  heartbeat(of: Reader): undefined {
    this.#answer(of, restWith(of));
  }

  unsent(): number {
    return 0;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(of: Reader): void {
    if (this.#reader === of) this.#answer(of, restWith(of));
  }

  hangUp(bye: ByeSignal): void {
    if (this.#reader) this.signal({ name: "bye", data: bye }, this.#reader);
    else this.#socket.destroySoon();
  }

  /**
   * Ends a connection that has been idle for as long as Node would keep it, or whose server has
   * closed.
   */
  sweep(now: number): void {
    if (this.#reader) return;
    const isOver = now - this.#answeredAt > this.#server.keepAliveTimeout;
    if (isOver || !this.#server.listening) this.#socket.destroy();
  }

  /** The buffer holds something else as soon as this returns. */
  #onRead(buffer: Buffer, length: number): void {
    // A client that sends a request before its answer gets the answer, and its request takes the
    // slow path.
    if (this.#reader) this.heartbeat(this.#reader);
    else if (this.#ask(buffer, length)) return;
    this.#giveBack(Buffer.from(buffer.subarray(0, length)));
  }

  #ask(buffer: Buffer, length: number): boolean {
    // Under back-pressure, hand the socket back to Node, which pauses such a client.
    if (hasUnsent(this.#socket)) return false;
    const values = readValues(buffer, length, this.#poll.shape);
    const found = values ? { poll: this.#poll, values } : this.#find(buffer, length);
    const position = found?.poll.positionAt(found.values.cursors);
    if (!found || !position || !this.#movesTo(found.poll)) return false;
    this.begin(position, found.values.nonce, false);
    return true;
  }

  #find(buffer: Buffer, length: number): Found | undefined {
    if (length > HEAD_MAX_BYTES) return undefined;
    return this.#road.find(this.#socket.remoteAddress ?? "", buffer.toString("latin1", 0, length));
  }

  /** Takes a slot of another visitor, whose polls a proxy sends over the same connection. */
  #movesTo(poll: VerifiedPoll): boolean {
    const { slots } = this.#road.hub;
    const isSame = poll.visitor === this.#poll.visitor;
    this.#poll = poll;
    if (isSame) return true;
    this.#freeSlot();
    this.#slot = slots.isOpenTo(poll.visitor) ? slots.take(this, poll.visitor) : undefined;
    return this.#slot !== undefined;
  }

  #answer(reader: Reader, rest: Buffer): void {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    sendAnswer(this.#socket, makeAnswer(this.#poll.head, rest, this.#nonce));
    if (!this.#poll.isKept) this.#socket.destroySoon();
    this.#answeredAt = performance.now();
    this.#poll.end(reader);
  }

  #onClose(): void {
    kept.delete(this);
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader) this.#road.hub.remove(reader);
    this.#freeSlot();
  }

  #freeSlot(): void {
    if (this.#slot) this.#road.hub.slots.free(this.#slot);
  }

  /** Hands the connection back to Node's http, unless its server has closed. */
  #giveBack(bytes: Buffer): void {
    const socket = this.#socket;
    if (!this.#server.listening) return void socket.destroy();
    kept.delete(this);
    readAlone(socket);
    removeListeners(socket, ["data", "end", "close", "error"]);
    this.#freeSlot();
    socket.pause();
    socket.unshift(bytes);
    this.#server.emit("connection", socket);
    socket.resume();
  }
}

/** All kept connections of this process. */
const kept = new Set<KeptPoll>();
let sweeping: NodeJS.Timeout | undefined;

/** One timer for all: a socket's own timer would be restarted by each read and write. */
function sweepOften(connection: KeptPoll): void {
  kept.add(connection);
  sweeping ??= setInterval(sweep, SWEEP_MS).unref();
}

function sweep(): void {
  const at = performance.now();
  for (const connection of kept) connection.sweep(at);
  if (kept.size > 0) return;
  clearInterval(sweeping);
  sweeping = undefined;
}

/** Returns the head of an answer without date and length, the same for all answers to a request. */
export function answerHead(response: ServerResponse, isKept: boolean): string {
  const lines = (response as NamedHeaders)
    .getRawHeaderNames()
    .filter((name) => !/^(date|content-length|connection|keep-alive)$/i.test(name))
    .map((name) => `${name}: ${response.getHeader(name)}\r\n`);
  const head = `HTTP/1.1 200 OK\r\n${lines.join("")}Connection: ${isKept ? "keep-alive" : "close"}\r\n`;
  // Nearly all heads are the same, so one copy is kept.
  if (head !== latestHead) latestHead = head;
  return latestHead;
}

/** [node lib/_http_outgoing.js] The types for Node 20 lack this function. */
type NamedHeaders = ServerResponse & { getRawHeaderNames(): string[] };

let latestHead = "";
