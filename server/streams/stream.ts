import type { ServerResponse } from "node:http";
import type { ByeSignal } from "../../protocol/event.ts";
import { FIRST_PING_MS } from "../../protocol/limits.ts";
import { signalFrame } from "../delivery/frames.ts";
import type { Reader, ReaderTransport } from "../delivery/reader.ts";
import type { Signal } from "../delivery/signal.ts";
import { openConnection, type StreamConnection } from "./connection.ts";
import type { StreamKind } from "./kinds.ts";

/** Options of one stream. */
export type StreamSettings = {
  kind: StreamKind;
  /** The pause between two pings. */
  pingMs: number;
  /** Does the network hand on each frame only when more bytes come? */
  isLate: boolean;
  /** Bytes after which the stream ends. */
  maxBytes: number;
  /** How long a member's client may send nothing. */
  patienceMs: number;
  /** Is the server the site's own? */
  isOwnServer: boolean;
  /** Called when the connection has ended, and when everything is sent that may be. */
  onOver(): void;
};

/**
 * A client that does not confirm its stream comes back after this time, or up to half as much
 * again.
 */
const RETRY_MS = 1_000;

/** Begins a stream on a response that has the kind's headers and to which nothing was written. */
export function beginStream(response: ServerResponse, options: StreamSettings): ReaderTransport {
  const { isOwnServer, onOver } = options;
  return new Stream(openConnection(response, { isOwnServer, onClose: onOver }), options);
}

/**
 * There are thousands of these, and all of a reader's bytes pass through one: no closure, no copy.
 */
class Stream implements ReaderTransport {
  readonly firstHeartbeatMs = FIRST_PING_MS;
  #connection: StreamConnection;
  #kind: StreamKind;
  #onOver: () => void;
  #pusher: Pusher | undefined;
  #pingMs: number;
  #patienceMs: number;
  #left: number;
  #hasPinged = false;
  #isOver = false;

  constructor(connection: StreamConnection, options: StreamSettings) {
    const { kind, pingMs, isLate, maxBytes, patienceMs, onOver } = options;
    this.#connection = connection;
    this.#kind = kind;
    this.#onOver = onOver;
    this.#pusher = isLate ? createPusher(() => connection.send(kind.filler)) : undefined;
    this.#pingMs = pingMs;
    this.#patienceMs = patienceMs;
    this.#left = maxBytes;
    if (kind.prelude.length > 0) connection.send(kind.prelude);
  }

  get name() {
    return this.#kind.name;
  }

  get format() {
    return this.#kind.format;
  }

  write(frame: Buffer): void {
    if (this.#isOver) return;
    this.#connection.send(frame);
    this.#pusher?.push();
    this.#left -= frame.length;
    if (this.#left <= 0) this.#sayBye();
  }

  signal(signal: Signal): void {
    this.write(bytesOf(this.format, signal));
  }

  /**
   * Pings. A crowd that came at once is spread over half of the pause from its second ping on. A
   * client that sends nothing is asked to come back, which is a sign of life: the connection may be
   * open at this end only.
   */
  heartbeat(reader: Reader): number | undefined {
    // A slow database keeps the reader waiting for its position, and a ping must not come before
    // the hello.
    if (!reader.hasStarted) return FIRST_PING_MS;
    const leftMs = reader.untilDue(this.#patienceMs);
    if (leftMs <= 0) {
      const retryMs = Math.round(RETRY_MS * (1 + Math.random() / 2));
      this.#connection.send(byeFrame(this.#kind, { retry: retryMs, reason: "unconfirmed" }));
      this.#onOver();
      return undefined;
    }
    this.write(bytesOf(this.format, reader.ping()));
    const share = this.#hasPinged ? 1 : 0.5 + Math.random() / 2;
    this.#hasPinged = true;
    return Math.min(this.#pingMs * share, leftMs);
  }

  unsent(): number {
    return this.#connection.unsent();
  }

  drained(): Promise<void> {
    return this.#connection.drained();
  }

  end(): void {
    this.#isOver = true;
    this.#pusher?.stop();
    this.#connection.end();
  }

  /** The reader stays with the hub, and counts, until its client has read to the end. */
  #sayBye(): void {
    this.#isOver = true;
    this.#connection.send(byeFrame(this.#kind, { retry: 0 }));
    void this.#connection.drained().then(this.#onOver);
  }
}

/**
 * Returns the whole answer to a stream that must come back later. [trust 1.3] It is sent with
 * status 200, since any other status ends a browser's EventSource for good.
 */
export function busyAnswer(kind: StreamKind, bye: ByeSignal): Buffer {
  return Buffer.concat([kind.prelude, byeFrame(kind, bye)]);
}

/**
 * [networks] Some networks hand a frame on only when the next one comes. After 50 ms the two do not
 * travel as one, unless something on the way is busy: then a second push separates them. The frames
 * of a busy room follow each other sooner, tick by tick, and need no pushing.
 */
const PUSH_MS = 50;
const PUSH_AGAIN_MS = 450;

type Pusher = { push(): void; stop(): void };

/** Pushes twice after the last frame: each frame moves the reader's two timers on. */
function createPusher(push: () => void): Pusher {
  let timers: NodeJS.Timeout[] | undefined;
  return {
    push: () => {
      if (timers) for (const timer of timers) timer.refresh();
      else timers = [PUSH_MS, PUSH_MS + PUSH_AGAIN_MS].map((ms) => setTimeout(push, ms).unref());
    },
    stop: () => timers?.forEach(clearTimeout),
  };
}

/** A room's readers are sent the same signal object, which is encoded once in each format. */
function bytesOf(format: StreamKind["format"], signal: Signal): Buffer {
  const known = encoded[format].get(signal);
  if (known) return known;
  const bytes = signalFrame(format, signal.name, signal.data);
  encoded[format].set(signal, bytes);
  return bytes;
}

const encoded = { sse: new WeakMap<Signal, Buffer>(), script: new WeakMap<Signal, Buffer>() };

function byeFrame(kind: StreamKind, bye: ByeSignal): Buffer {
  return signalFrame(kind.format, "bye", bye);
}
