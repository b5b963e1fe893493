import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ByeSignal } from "../../protocol/event.ts";
import { NONCE } from "../../protocol/limits.ts";
import type { Place } from "../delivery/places.ts";
import type { KeptConnection, Occupant, Reader, Signal, Transport } from "../delivery/reader.ts";
import { removeListeners, takeIdleSocket } from "./bare-socket.ts";
import { beginning, restOf, restWith } from "./long-poll.ts";

/** What the lane asks of the site. */
export type LanePolls = {
  waitMs: number;
  /** A reader behind this cursor; `undefined` where that takes more than a look, so that the whole road is to be gone. */
  place(cursor: string, transport: Transport): Reader | undefined;
  join(reader: Reader): void;
  /** It has its answer, or is gone. */
  remove(reader: Reader): void;
  /** Is there a place for the connection? */
  isOpen(): boolean;
  /** The place of a connection that is kept; `undefined` if there is none. */
  takePlace(connection: KeptConnection): Place<Occupant> | undefined;
  freePlace(place: Place<Occupant>): void;
};

/**
 * How often an idle connection is looked at: it ends when its server does, or has waited as long as Node would keep it.
 * One timer a connection, which Node puts off with every read and write; that it also comes while a poll waits is
 * nothing to us.
 */
const IDLE_MS = 1_000;

/**
 * A kept connection remembers its request's head: browsers send less than 1 kB, with a cookie and a token less than 2.
 * Longer ones would cost more memory than a stream does.
 */
const HEAD_MAX_BYTES = 2_048;

/**
 * Keeps a poller's connection when its poll, which went the whole road through every guard, is answered. What comes on
 * it then is most often the same request, byte for byte but for its cursor and nonce, so that every guard would say the
 * same again: it is answered here. Anything else is given back to Node's http with its bytes, and goes the whole road.
 *
 * Measured with 1000 pollers in a room of 10 messages a second: 31 to 36 CPU seconds a million deliveries and a median
 * of 13 to 15 ms; by the whole road 105, and 400 ms, for the core was full.
 */
export function keepPolling(response: ServerResponse, polls: LanePolls): void {
  const { req } = response;
  // [RFC 9110 9.3.1] where a body may follow, what comes next is not a request
  if ("content-length" in req.headers || "transfer-encoding" in req.headers) return;
  if (lengthOf(req.url ?? "", req.rawHeaders) > HEAD_MAX_BYTES) return;
  const template = templateOf(req.url ?? "", req.rawHeaders);
  if (template === undefined) return;
  const head = headOf(response);
  response.once("finish", () => {
    const { server } = req.socket as Socket & { server?: Server };
    if (response.shouldKeepAlive && server && polls.isOpen() && takeIdleSocket(req.socket))
      new PollLane(req.socket, server, template, head, polls);
  });
}

/** One of thousands; as a transport it is one poll's after the other. */
class PollLane implements Transport, KeptConnection {
  readonly name = "poll";
  readonly format = "json";
  #socket: Socket;
  #server: Server;
  #template: Template;
  #head: string;
  #polls: LanePolls;
  #place: Place<Occupant> | undefined;
  #reader: Reader | undefined;
  #nonce: string | undefined;
  #answeredAt = performance.now();

  constructor(socket: Socket, server: Server, template: Template, head: string, polls: LanePolls) {
    this.#socket = socket;
    this.#server = server;
    this.#template = template;
    this.#head = head;
    this.#polls = polls;
    socket.on("data", (bytes) => this.#onData(bytes));
    socket.on("timeout", () => this.#onTimeout());
    socket.once("close", () => this.#forget());
    socket.setTimeout(IDLE_MS);
    this.#place = polls.takePlace(this);
    if (!this.#place) socket.destroySoon();
  }

  get firstBeatMs(): number {
    return this.#polls.waitMs;
  }

  write(frame: Buffer, of: Reader): void {
    this.#answer(of, restOf(of, frame));
  }

  signal(signal: Signal, of: Reader): void {
    if (signal.name === "reset") this.#answer(of, restWith(of, { resets: signal.data }));
    if (signal.name === "bye") {
      this.#answer(of, restWith(of, { bye: signal.data }));
      this.#socket.destroySoon();
    }
  }

  beat(of: Reader): undefined {
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

  #onData(bytes: Buffer): void {
    // who asks for more before he is answered is answered, and goes the whole road
    if (this.#reader) this.beat(this.#reader);
    else if (this.#poll(bytes)) return;
    this.#giveBack(bytes);
  }

  #poll(bytes: Buffer): boolean {
    // who does not read his answers is Node's, which then does not read him
    if (this.#socket.writableNeedDrain) return false;
    const asked = readPoll(bytes.toString("latin1"), this.#template);
    const reader = asked?.after && this.#polls.place(asked.after, this);
    if (!reader) return false;
    this.#nonce = asked.n;
    this.#reader = reader;
    this.#polls.join(reader);
    return true;
  }

  #answer(reader: Reader, rest: Buffer): void {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    const begun = beginning(this.#nonce);
    const head = `${this.#head}Date: ${now()}\r\nContent-Length: ${begun.length + rest.length}\r\n\r\n${begun}`;
    // one write of a copy: a write of two parts takes 4 µs more
    const answer = Buffer.allocUnsafe(head.length + rest.length);
    answer.write(head, "latin1");
    rest.copy(answer, head.length);
    this.#socket.write(answer);
    this.#answeredAt = performance.now();
    this.#polls.remove(reader);
  }

  #onTimeout(): void {
    if (this.#reader) return;
    const isOver = performance.now() - this.#answeredAt > this.#server.keepAliveTimeout;
    if (isOver || !this.#server.listening) this.#socket.destroy();
    else this.#socket.setTimeout(IDLE_MS);
  }

  #forget(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader) this.#polls.remove(reader);
    this.#freePlace();
  }

  #freePlace(): void {
    if (this.#place) this.#polls.freePlace(this.#place);
  }

  /** A server that closes takes nothing back. */
  #giveBack(bytes: Buffer): void {
    const socket = this.#socket;
    if (!this.#server.listening) return void socket.destroy();
    removeListeners(socket, ["data", "end", "close", "error", "timeout"]);
    this.#freePlace();
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(bytes);
    this.#server.emit("connection", socket);
    socket.resume();
  }
}

function lengthOf(target: string, rawHeaders: string[]): number {
  return rawHeaders.reduce((sum, text) => sum + text.length + 2, target.length);
}

/** What a poll consists of: before each of its cursor and nonce, which may come in either order, a text, and one behind. */
type Template = { names: ("after" | "n")[]; texts: string[]; end: string };

/** None where a cursor may stand elsewhere too, or several times. */
function templateOf(target: string, rawHeaders: string[]): Template | undefined {
  const texts = `GET ${target}`.split(/(?<=[?&](?:after|n)=)[\w.~-]{1,128}(?=&|$)/);
  const end = texts.pop() as string;
  const names = texts.map((text) => (text.endsWith("after=") ? "after" : "n"));
  const isOnce = names.length === target.match(/[?&](after|n)=/g)?.length && new Set(names).size === names.length;
  const isPlain = !/[?&][^=&]*%|\?.*\?/.test(target);
  if (!isOnce || !isPlain || !names.includes("after") || /last-?event-?id/i.test(target + rawHeaders.join()))
    return undefined;
  const lines = rawHeaders.flatMap((name, n) => (n % 2 === 0 ? [`${name}: ${rawHeaders[n + 1]}\r\n`] : []));
  return { names, texts, end: `${end} HTTP/1.1\r\n${lines.join("")}\r\n` };
}

type Asked = { after?: string | undefined; n?: string | undefined };

/** The cursor and nonce of a request that is otherwise the same. */
function readPoll(request: string, { names, texts, end }: Template): Asked | undefined {
  const asked: Asked = {};
  let at = 0;
  for (const [n, name] of names.entries()) {
    const text = texts[n] as string;
    if (!request.startsWith(text, at)) return undefined;
    VALUE.lastIndex = at + text.length;
    asked[name] = VALUE.exec(request)?.[0];
    if (asked[name] === undefined) return undefined;
    at = VALUE.lastIndex;
  }
  const isNonce = asked.n === undefined || NONCE.test(asked.n);
  return isNonce && request.length === at + end.length && request.endsWith(end) ? asked : undefined;
}

/** What is no cursor or nonce as we give and take them makes another request of it. */
const VALUE = /[\w.~-]{1,128}/y;

/** The answer's head, up to what differs from answer to answer. */
function headOf(response: ServerResponse): string {
  const lines = response
    .getHeaderNames()
    .filter((name) => !/^(date|content-length|connection|keep-alive)$/i.test(name))
    .map((name) => `${name}: ${response.getHeader(name)}\r\n`);
  return `HTTP/1.1 200 OK\r\n${lines.join("")}Connection: keep-alive\r\n`;
}

let dated = 0;
let date = "";

/** [RFC 9110 6.6.1] Whole seconds: made once in each. */
function now(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dated) date = new Date().toUTCString();
  dated = second;
  return date;
}
