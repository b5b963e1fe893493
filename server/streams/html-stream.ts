import type { ServerResponse } from "node:http";
import type { RoomEvent } from "../../protocol/event.ts";
import { CONFIRM_MS, FIRST_PING_MS, PING_MS } from "../../protocol/limits.ts";
import type { Reader, ReaderTransport } from "../delivery/reader.ts";
import type { Signal } from "../delivery/signal.ts";
import { openConnection, type StreamConnection } from "./connection.ts";

/** The markup of a page that grows, in the reader's language, which is one of few. */
export type HtmlMarkup = {
  language: string;
  /**
   * The page up to its log, which so far ends with the event `last`. Rendering it may set headers.
   */
  opening: string;
  last: RoomEvent | undefined;
  /** Returns events as lines; `previous` is the event above them. */
  lines(events: RoomEvent[], previous: RoomEvent | undefined): string;
  /** Returns the notice that messages are missing here. */
  gap(): string;
  /** Returns the notice that this node cannot read the log, or can again. */
  staleness(isStale: boolean): string;
  /**
   * Returns a picture. A browser that fetches it is still there, and has been sent the page while
   * it grows.
   */
  sign(): string;
  /**
   * Returns bytes that keep the connection alive and contain a link that continues from a cursor.
   */
  ping(cursor: string): string;
  /** Returns the end of the page, which continues from a cursor after a number of seconds. */
  ending(cursor: string, seconds: number): string;
};

/** Options of one page that grows. */
export type HtmlStreamOptions = {
  markup: HtmlMarkup;
  /** Is it known that the network hands pages on while they grow? */
  arrives: boolean;
  /** How long a member's browser may fetch nothing. */
  patienceMs: number;
  /** Is the server the site's own? */
  isOwnServer: boolean;
  /**
   * Called when the connection has ended or the page has lived long enough; maybe more than once.
   */
  onOver(): void;
};

/** A transport that begins with a page, and lives long once it is known to arrive. */
export type HtmlStream = ReaderTransport & { noteArrival(): void };

/**
 * A network that holds pages back until they are whole is sent one every 10 s, as often as
 * `?refresh=10` would.
 */
const TRIAL_MS = 10_000;

/** [field notes d] Proxies with a hard lifetime cut at 10 minutes and more. */
const LIFE_MS = 10 * 60_000;

/**
 * 2 MiB are about 5,000 lines, and text browsers lay out the whole page again with each of them.
 */
const LIFE_BYTES = 2 * 1024 * 1024;

/** [nginx] X-Accel-Buffering lets a page grow through a bare nginx. */
export const HTML_STREAM_HEADERS = {
  "Content-Type": "text/html; charset=utf-8",
  "X-Accel-Buffering": "no",
} as const;

/**
 * Begins a page that grows, on a response whose headers are set and to which nothing was written.
 */
export function beginHtmlStream(response: ServerResponse, options: HtmlStreamOptions): HtmlStream {
  const { isOwnServer, onOver } = options;
  // A page without chunks that is cut has ended, and its browser fetches the next one. In chunks, a
  // cut is an error.
  response.useChunkedEncodingByDefault = false;
  return new GrowingPage(openConnection(response, { isOwnServer, onClose: onOver }), options);
}

class GrowingPage implements HtmlStream {
  readonly name = "page";
  readonly format = "html";
  readonly firstHeartbeatMs = FIRST_PING_MS;
  readonly #connection: StreamConnection;
  readonly #options: HtmlStreamOptions;
  readonly #startedAt = performance.now();
  #lifeMs: number;
  #leftBytes = LIFE_BYTES;
  #retrySeconds = 0;
  #hasSigned = false;
  #isStale = false;
  #previous: RoomEvent | undefined;

  constructor(connection: StreamConnection, options: HtmlStreamOptions) {
    const { opening, last } = options.markup;
    this.#connection = connection;
    this.#options = options;
    this.#lifeMs = options.arrives ? LIFE_MS : TRIAL_MS;
    this.#previous = last;
    this.#send(opening);
  }

  noteArrival(): void {
    this.#lifeMs = LIFE_MS;
  }

  /**
   * A line that was sent cannot change. So the page ends when a message or a name was erased, and
   * its browser fetches the next one, which does not have it; and soon when one was edited.
   */
  write(frame: Buffer): void {
    const lines = this.#linesOf(frame);
    this.#previous = lines.last;
    this.#send(lines.bytes);
    if (lines.hasEdits) this.#lifeMs = Math.min(this.#lifeMs, performance.now() - this.#startedAt);
    if (lines.hasErasures) this.#options.onOver();
  }

  signal(signal: Signal): void {
    if (signal.name === "reset") this.#send(this.#options.markup.gap());
    if (signal.name === "bye") this.#retrySeconds = Math.ceil(signal.data.retry / 1000);
    if (signal.name === "ping") this.#showStaleness(signal.data.stale);
  }

  /**
   * Sends first the sign, in a write of its own, which a network that holds small pieces back holds
   * too; then pings, unseen, with a sign whenever a stream's client would confirm it. A member's
   * browser that fetches none comes back by the page's end, and that is a sign of life too.
   */
  heartbeat(reader: Reader): number | undefined {
    const { markup, patienceMs, onOver } = this.#options;
    const now = performance.now();
    const leftMs = Math.min(this.#lifeMs - (now - this.#startedAt), reader.untilDue(patienceMs));
    if (leftMs <= 0) {
      onOver();
      return undefined;
    }
    this.#showStaleness(reader.tails[0]?.stale);
    const isSignDue = !this.#hasSigned || now - reader.seenAt >= CONFIRM_MS;
    if (this.#hasSigned) this.#send(markup.ping(reader.cursor()));
    if (isSignDue) this.#send(markup.sign());
    const pauseMs = this.#hasSigned ? PING_MS : TRIAL_MS - FIRST_PING_MS;
    this.#hasSigned = true;
    return Math.min(pauseMs, leftMs);
  }

  unsent(): number {
    return this.#connection.unsent();
  }

  drained(): Promise<void> {
    return this.#connection.drained();
  }

  end(reader: Reader): void {
    this.#connection.end(Buffer.from(this.#options.markup.ending(reader.cursor(), this.#retrySeconds)));
  }

  /** A page that began while the log could not be read learns of it at its first heartbeat. */
  #showStaleness(seconds: number | undefined): void {
    const isStale = seconds !== undefined;
    if (isStale !== this.#isStale) this.#send(this.#options.markup.staleness(isStale));
    this.#isStale = isStale;
  }

  #send(page: Buffer | string): void {
    const bytes = typeof page === "string" ? Buffer.from(page) : page;
    this.#connection.send(bytes);
    this.#leftBytes -= bytes.length;
    if (this.#leftBytes <= 0) this.#options.onOver();
  }

  /** The lines of a frame are made for its first reader in each language. */
  #linesOf(frame: Buffer): Lines {
    const { language, lines } = this.#options.markup;
    const byLanguage = linesByFrame.get(frame) ?? new Map<string, Lines>();
    linesByFrame.set(frame, byLanguage);
    const known = byLanguage.get(language);
    if (known) return known;
    const events = JSON.parse(`[${frame.toString()}]`) as RoomEvent[];
    const made = {
      bytes: Buffer.from(lines(events, this.#previous)),
      last: events.at(-1),
      hasEdits: events.some(({ kind }) => kind === "edit"),
      hasErasures: events.some(({ kind }) => kind === "erase" || kind === "unname"),
    };
    byLanguage.set(language, made);
    return made;
  }
}

type Lines = { bytes: Buffer; last: RoomEvent | undefined; hasEdits: boolean; hasErasures: boolean };

const linesByFrame = new WeakMap<Buffer, Map<string, Lines>>();
