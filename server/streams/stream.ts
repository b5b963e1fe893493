import type { ServerResponse } from "node:http";
import type { ByeSignal } from "../../protocol/event.ts";
import { FIRST_PING_MS } from "../../protocol/limits.ts";
import { signalFrame } from "../delivery/frames.ts";
import type { Reader, Signal, Transport } from "../delivery/reader.ts";
import { type Connection, openConnection } from "./connection.ts";

/** A kind of answer that does not end. */
export type Way = {
  name: Transport["name"];
  format: "sse" | "script";
  headers: { [name: string]: string };
  /** What stands before the first frame. */
  prelude: Buffer;
  /** After how many bytes it ends unless asked otherwise: many browsers keep an answer in memory until its end. */
  maxBytes: number;
  /** A few bytes that mean nothing and may stand between any two frames. */
  filler: Buffer;
};

/**
 * Options of one stream: ping interval, whether to push each frame with filler bytes, where to end, and how long a
 * member's client may send nothing.
 */
export type EndlessOptions = { pingMs: number; isLate: boolean; maxBytes: number; patienceMs: number };

/** A client that does not confirm its stream comes back after this time, or up to half as much again. */
const RETRY_MS = 1_000;

/**
 * Begins an endless answer on a response that nobody has written to and that has the way's headers. `onDone` is called
 * when the connection has ended, and when it has said all it may. Resolves when the head is sent.
 */
export async function openEndless(
  response: ServerResponse,
  way: Way,
  options: EndlessOptions,
  onDone: () => void,
): Promise<Transport> {
  return new Endless(await openConnection(response, onDone), way, options, onDone);
}

/** There are thousands of these, and all a reader's bytes pass through one: no closure, no copy. */
class Endless implements Transport {
  readonly firstBeatMs = FIRST_PING_MS;
  #connection: Connection;
  #way: Way;
  #onDone: () => void;
  #pusher: Pusher | undefined;
  #pingMs: number;
  #patienceMs: number;
  #left: number;
  #hasPinged = false;
  #isGreeted = false;
  #isOver = false;

  constructor(connection: Connection, way: Way, options: EndlessOptions, onDone: () => void) {
    const { pingMs, isLate, maxBytes, patienceMs } = options;
    this.#connection = connection;
    this.#way = way;
    this.#onDone = onDone;
    this.#pusher = isLate ? createPusher(() => connection.send(way.filler)) : undefined;
    this.#pingMs = pingMs;
    this.#patienceMs = patienceMs;
    this.#left = maxBytes;
    if (way.prelude.length > 0) connection.send(way.prelude);
  }

  get name() {
    return this.#way.name;
  }

  get format() {
    return this.#way.format;
  }

  write(frame: Buffer): void {
    if (this.#isOver) return;
    this.#connection.send(frame);
    this.#pusher?.push();
    this.#left -= frame.length;
    if (this.#left <= 0) this.#sayBye();
  }

  signal(signal: Signal): void {
    this.#isGreeted ||= signal.name === "hello";
    this.write(bytesOf(this.format, signal));
  }

  /**
   * A crowd that came at once is spread over half of the pause from its second ping on. A client that sends nothing is
   * asked to come back, which is a sign of life; the connection may be open at this end only.
   */
  beat(reader: Reader): number | undefined {
    // hello is the first frame; while a slow database keeps it waiting, the reader has no place to tell either
    if (!this.#isGreeted) return FIRST_PING_MS;
    const leftMs = reader.untilDue(this.#patienceMs);
    if (leftMs <= 0) {
      const retryMs = Math.round(RETRY_MS * (1 + Math.random() / 2));
      this.#connection.send(byeFrame(this.#way, { retry: retryMs, reason: "unconfirmed" }));
      this.#onDone();
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

  /** The reader stays with the hub, and counts, until it has read to the end. */
  #sayBye(): void {
    this.#isOver = true;
    this.#connection.send(byeFrame(this.#way, { retry: 0 }));
    void this.#connection.drained().then(this.#onDone);
  }
}

/** [trust 1.3] All of a stream that must come back later: any status but 200 ends a browser's EventSource for good. */
export function busyAnswer(way: Way, bye: ByeSignal): Buffer {
  return Buffer.concat([way.prelude, byeFrame(way, bye)]);
}

/**
 * [networks] Some networks hand a frame on only when the next one comes. 50 ms are long enough for the two not to
 * travel as one, and a busy room's frames follow each other by the beat and need no pushing.
 */
const PUSH_MS = 50;

type Pusher = { push(): void; stop(): void };

/** Pushes once after the last frame: one timer for a reader, moved on by each. */
function createPusher(push: () => void): Pusher {
  let timer: NodeJS.Timeout | undefined;
  return {
    push: () => {
      timer = timer?.refresh() ?? setTimeout(push, PUSH_MS).unref();
    },
    stop: () => clearTimeout(timer),
  };
}

/** A room's readers are all told the same signal, the very object: it is encoded for the first of them in each format. */
function bytesOf(format: Way["format"], signal: Signal): Buffer {
  const known = encoded[format].get(signal);
  if (known) return known;
  const bytes = signalFrame(format, signal.name, signal.data);
  encoded[format].set(signal, bytes);
  return bytes;
}

const encoded = { sse: new WeakMap<Signal, Buffer>(), script: new WeakMap<Signal, Buffer>() };

function byeFrame(way: Way, bye: ByeSignal): Buffer {
  return signalFrame(way.format, "bye", bye);
}
