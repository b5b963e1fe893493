import type { ServerResponse } from "node:http";
import { FIRST_PING_MS } from "../../protocol/limits.ts";
import { signalFrame } from "../delivery/frames.ts";
import type { Reader, Signal, Transport } from "../delivery/reader.ts";
import { openConnection } from "./connection.ts";

/** A kind of answer that does not end. */
export type Way = {
  name: Transport["name"];
  format: "sse" | "script";
  headers: { [name: string]: string };
  /** What stands before the first frame. */
  prelude: string;
  /** After how many bytes it ends unless asked otherwise: many browsers keep an answer in memory until its end. */
  maxBytes: number;
  /** A few bytes that mean nothing and may stand between any two frames. */
  filler: string;
};

/** What this one is asked for: its pace, whether each frame must be pushed through the network by bytes behind it, its end. */
export type EndlessOptions = { pingMs: number; isLate: boolean; maxBytes: number };

/**
 * Begins an endless answer on a response that nobody has written to and that has the way's headers. `onDone` is called
 * when the connection has ended, and when it has said all it may. Resolves when the head is sent.
 */
export async function openEndless(
  response: ServerResponse,
  way: Way,
  { pingMs, isLate, maxBytes }: EndlessOptions,
  onDone: () => void,
): Promise<Transport> {
  const connection = await openConnection(response, onDone);
  const pusher = isLate ? createPusher(() => connection.send(way.filler)) : undefined;
  let left = maxBytes;
  let isGreeted = false;
  let isOver = false;
  if (way.prelude !== "") connection.send(way.prelude);
  return {
    name: way.name,
    format: way.format,
    firstBeatMs: FIRST_PING_MS,
    write: send,
    signal: (signal) => {
      isGreeted ||= signal.name === "hello";
      send(bytesOf(way.format, signal));
    },
    beat: (reader) => {
      // hello is the first frame; while a slow database keeps it waiting, the reader has no place to tell either
      if (!isGreeted) return FIRST_PING_MS;
      send(pingFrame(way.format, reader));
      return pingMs;
    },
    unsent: () => connection.unsent(),
    drained: () => connection.drained(),
    end: () => {
      isOver = true;
      pusher?.stop();
      connection.end();
    },
  };

  function send(frame: Buffer): void {
    if (isOver) return;
    connection.send(frame);
    pusher?.push();
    left -= frame.length;
    if (left <= 0) sayBye();
  }

  /** The reader stays with the hub, and counts, until it has read to the end. */
  function sayBye(): void {
    isOver = true;
    connection.send(byeFrame(way, 0));
    void connection.drained().then(onDone);
  }
}

/** [trust 1.3] All of a stream that must come back later: any status but 200 ends a browser's EventSource for good. */
export function busyAnswer(way: Way, retryMs: number): Buffer {
  return Buffer.concat([Buffer.from(way.prelude), byeFrame(way, retryMs)]);
}

/**
 * [networks] Some networks hand a frame on only when the next one comes. 50 ms are long enough for the two not to
 * travel as one, and the beat by which a busy room's frames follow each other and need no pushing.
 */
const PUSH_MS = 50;

/** Pushes once after the last frame: one timer for a reader, moved on by each. */
function createPusher(push: () => void): { push(): void; stop(): void } {
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

/** The reader's place, which it may come back with, and the heads of its rooms, by which it sees what it lacks. */
function pingFrame(format: Way["format"], reader: Reader): Buffer {
  return signalFrame(format, "ping", { cursor: reader.cursor(), heads: reader.heads() });
}

function byeFrame(way: Way, retryMs: number): Buffer {
  return signalFrame(way.format, "bye", { retry: retryMs });
}
