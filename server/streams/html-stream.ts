import type { ServerResponse } from "node:http";
import type { RoomEvent } from "../../protocol/event.ts";
import { CONFIRM_MS, FIRST_PING_MS, PING_MS } from "../../protocol/limits.ts";
import type { Reader, Transport } from "../delivery/reader.ts";
import { type Connection, openConnection } from "./connection.ts";

/** A page that grows; its parts are markup in the reader's language, which is one of few. */
export type HtmlStreamOptions = {
  language: string;
  /** Events as lines; `previous` is the one above them. */
  lines(events: RoomEvent[], previous: RoomEvent | undefined): string;
  /** Word that messages are missing here. */
  gap: string;
  /** A picture: the browser that fetches it is there, and the page reaches it while it grows. */
  sign(): string;
  /** Bytes that keep the connection, and lead on from a cursor should it be cut. */
  ping(cursor: string): string;
  /** The end of the page, which leads on from a cursor after so many seconds. */
  ending(cursor: string, seconds: number): string;
  /** How long a member's browser may fetch nothing. */
  patienceMs: number;
  /** The connection has ended, or the page has lived long enough. Called once or more. */
  onOver(): void;
};

/** A transport that begins with a page, and lives long once it is known to arrive. */
export type HtmlStream = Transport & {
  /** Sends the head and the page up to its log, which so far ends with `last`. */
  begin(opening: string, last: RoomEvent | undefined): Promise<void>;
  arrives(): void;
};

/** A network that holds pages back until they are whole is handed one every 10 s, as often as `?refresh=10` would. */
const TRIAL_MS = 10_000;

/** [field notes d] Proxies with a hard lifetime cut at 10 minutes and more. */
const LIFE_MS = 10 * 60_000;

/** 2 MiB are about 5000 lines; text browsers lay a page out anew with each of them. */
const LIFE_BYTES = 2 * 1024 * 1024;

/** Lets a response whose headers are set grow as a page. Nothing is written before `begin`. */
export function openHtmlStream(response: ServerResponse, options: HtmlStreamOptions): HtmlStream {
  const startedAt = performance.now();
  let lifeMs = TRIAL_MS;
  let retrySeconds = 0;
  let leftBytes = LIFE_BYTES;
  let hasSigned = false;
  let previous: RoomEvent | undefined;
  let connection: Connection | undefined;

  return {
    name: "page",
    format: "html",
    firstBeatMs: FIRST_PING_MS,
    begin,
    arrives: () => {
      lifeMs = LIFE_MS;
    },
    write: (frame) => send(linesOf(frame)),
    signal: (signal) => {
      if (signal.name === "reset") send(options.gap);
      if (signal.name === "bye") retrySeconds = Math.ceil(signal.data.retry / 1000);
    },
    beat,
    unsent: () => connection?.unsent() ?? 0,
    drained: () => connection?.drained() ?? Promise.resolve(),
    end: (reader) => connection?.end(Buffer.from(options.ending(reader.cursor(), retrySeconds))),
  };

  async function begin(opening: string, last: RoomEvent | undefined): Promise<void> {
    previous = last;
    // cut, a page without chunks has ended, and its browser fetches the successor; in chunks that is an error, and stays
    response.useChunkedEncodingByDefault = false;
    connection = await openConnection(response, options.onOver);
    send(opening);
  }

  function send(page: Buffer | string): void {
    const bytes = typeof page === "string" ? Buffer.from(page) : page;
    connection?.send(bytes);
    leftBytes -= bytes.length;
    if (leftBytes <= 0) options.onOver();
  }

  /** The same for every reader that is handed the same frame in the same language: it is made for the first of them. */
  function linesOf(frame: Buffer): Buffer {
    const known = made.get(frame) ?? new Map<string, Lines>();
    made.set(frame, known);
    const lines = known.get(options.language) ?? makeLines(frame);
    known.set(options.language, lines);
    previous = lines.last;
    return lines.bytes;
  }

  function makeLines(frame: Buffer): Lines {
    const events = JSON.parse(`[${frame.toString()}]`) as RoomEvent[];
    return { bytes: Buffer.from(options.lines(events, previous)), last: events.at(-1) };
  }

  /**
   * First the sign, in a write of its own: a network that holds small pieces back holds it too. Then pings, unseen, with
   * a sign whenever a stream's client would confirm it. A member's browser that fetches none comes back by the page's
   * end, and that is a sign of life too.
   */
  function beat(reader: Reader): number | undefined {
    const now = performance.now();
    const leftMs = Math.min(lifeMs - (now - startedAt), reader.untilDue(options.patienceMs));
    if (leftMs <= 0) {
      options.onOver();
      return undefined;
    }
    const isSignDue = !hasSigned || now - reader.seenAt >= CONFIRM_MS;
    if (hasSigned) send(options.ping(reader.cursor()));
    if (isSignDue) send(options.sign());
    const pauseMs = hasSigned ? PING_MS : TRIAL_MS - FIRST_PING_MS;
    hasSigned = true;
    return Math.min(pauseMs, leftMs);
  }
}

type Lines = { bytes: Buffer; last: RoomEvent | undefined };

const made = new WeakMap<Buffer, Map<string, Lines>>();

/** [nginx] X-Accel-Buffering lets a page grow through a bare nginx. */
export const HTML_STREAM_HEADERS = {
  "Content-Type": "text/html; charset=utf-8",
  "X-Accel-Buffering": "no",
  Connection: "close",
} as const;
