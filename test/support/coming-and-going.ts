import type { PollAnswer, RoomEvent } from "../../protocol/event.ts";
import { blocks, scripts } from "./follow.ts";
import type { Pulse } from "./pulse.ts";

/** After this time, nobody gets an erased text. A busy machine may be late, see pulse.ts. */
export const PROMISED_MS = 1_000;

/** The transports over which such readers read. */
export const READING = ["events", "stream", "frame", "poll", "jsonp"] as const;

type ReaderOptions = {
  transport: (typeof READING)[number];
  room: string;
  start: { event: { seq: number }; cursor: string };
  /** When the erase of a text was acknowledged, on the clock of `performance.now()`. */
  erasedAt: Map<string, number>;
  /** Its number, which decides where it begins. */
  n: number;
  pulse: Pulse;
  /** Returns the nodes between which it changes. */
  urls(): [string, string];
};

/** A reader that changes its node all the time, and continues from its cursor. */
export class ComingAndGoing {
  readonly shown = new Map<number, string | undefined>();
  readonly faults: string[] = [];
  readonly #options: ReaderOptions;
  #cursor: string;
  #seq: number;
  #head = Number.POSITIVE_INFINITY;
  #visits: number;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#cursor = options.start.cursor;
    this.#seq = options.start.event.seq;
    this.#visits = options.n;
  }

  /** Lets it stop when it has come to this seq. */
  end(head: number): void {
    this.#head = head;
  }

  /** Reads until it has come to the end. */
  async read(): Promise<void> {
    while (this.#seq < this.#head) {
      this.#visits += 1;
      // A node that is killed in the middle of an answer is no fault.
      await this.#visit(this.#options.urls()[this.#visits % 2] as string).catch(() => undefined);
    }
  }

  async #visit(url: string): Promise<void> {
    const { transport, room } = this.#options;
    const openedAt = performance.now();
    const done = AbortSignal.timeout(300 + 200 * (this.#visits % 4));
    const response = await fetch(`${url}${PATH[transport]}&room=${room}&after=${this.#cursor}`, { signal: done });
    if (transport === "poll" || transport === "jsonp") {
      const text = await response.text();
      const json = transport === "poll" ? text : text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
      const { events, cursor } = JSON.parse(json) as PollAnswer;
      for (const event of events) this.#take(event, openedAt);
      this.#cursor = cursor;
      return;
    }
    const feed = (transport === "frame" ? scripts : blocks)(({ name, data, cursor }) => {
      if (name !== "message") return;
      this.#take(data as RoomEvent, openedAt);
      this.#cursor = cursor;
    });
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) feed(text);
  }

  #take(event: RoomEvent, openedAt: number): void {
    const { seq, text } = event;
    if (seq !== this.#seq + 1) this.faults.push(`${seq} came after ${this.#seq}`);
    this.#seq = seq;
    const erasedAt = text === undefined ? undefined : this.#options.erasedAt.get(text);
    if (erasedAt !== undefined && openedAt - erasedAt > PROMISED_MS + this.#options.pulse.latenessSince(erasedAt))
      this.faults.push(`${seq} still has ${text}`);
    if (event.kind === "message" || event.kind === "notice") this.shown.set(seq, text);
    // A message from before its start may be erased, too.
    if (event.kind === "erase" && this.shown.has(event.target)) this.shown.set(event.target, undefined);
    if (event.kind === "edit" && text !== undefined) this.shown.set(event.target, text);
  }
}

const PATH = {
  events: "/api/events?ping=2",
  stream: "/api/stream?ping=2",
  frame: "/api/frame?callback=parent.take",
  poll: "/api/poll?wait=1",
  jsonp: "/api/poll?wait=1&callback=take",
};
