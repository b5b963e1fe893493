import { connect } from "../../client/index.ts";
import type { PollAnswer, RoomEvent } from "../../protocol/event.ts";
import type { TestPerson } from "./app.ts";
import { blocks, scripts } from "./follow.ts";

/** The ways by which such readers read. `page` is a page without script that reloads itself. */
export const WAYS = ["events", "stream", "frame", "poll", "jsonp", "since", "page", "npm"] as const;

type TwoLogsOptions = {
  way: (typeof WAYS)[number];
  who: TestPerson;
  room: string;
  cursor: string;
  /** Its number, which decides where it begins. */
  n: number;
  /** Returns the nodes between which it changes. */
  urls(): [string, string];
};

/**
 * A member that reads a room and its inbox there, changes its node all the time, and continues from
 * its cursor.
 */
export class TwoLogs {
  readonly whispers: (string | undefined)[] = [];
  readonly faults: string[] = [];
  readonly way: TwoLogsOptions["way"];
  readonly #options: TwoLogsOptions;
  readonly #seqs = new Map<string, number>();
  #end = { seq: Number.POSITIVE_INFINITY, whispers: 0 };
  #cursor: string;
  #visits: number;

  constructor(options: TwoLogsOptions) {
    this.#options = options;
    this.way = options.way;
    this.#cursor = options.cursor;
    this.#visits = options.n;
  }

  /** Lets it stop when it has come to this seq of the room and has this number of whispers. */
  end(end: { seq: number; whispers: number }): void {
    this.#end = end;
  }

  /** Reads until it has come to the end. */
  async read(): Promise<void> {
    if (this.#options.way === "npm") return this.#follow();
    while (!this.#isAtEnd()) {
      // A node that is killed in the middle of an answer is no fault.
      await this.#visit(this.#nextUrl()).catch(() => undefined);
    }
  }

  #isAtEnd(): boolean {
    return (this.#seqs.get(this.#options.room) ?? 0) >= this.#end.seq && this.whispers.length >= this.#end.whispers;
  }

  #nextUrl(): string {
    this.#visits += 1;
    return this.#options.urls()[this.#visits % 2] as string;
  }

  /** The client of the package, each of whose requests goes to the other node. */
  async #follow(): Promise<void> {
    const { room, who, urls } = this.#options;
    const [base] = urls();
    const ask = (url: string, init: RequestInit) => fetch(url.replace(base, this.#nextUrl()), init);
    const handle = connect(base, { room, token: who.token, cursor: this.#cursor, fetch: ask as typeof fetch });
    handle.on("event", (event) => this.#take(event));
    handle.on("reset", ({ reason }) => this.faults.push(`a reset: ${reason}`));
    while (!this.#isAtEnd()) await new Promise((resolve) => setTimeout(resolve, 50));
    handle.close();
  }

  async #visit(url: string): Promise<void> {
    const { way, room, who } = this.#options;
    if (way === "npm") return;
    if (way === "page") return this.#load(url);
    const path = way === "since" ? `/api/rooms/${room}/since?wait=1` : PATH[way];
    const done = AbortSignal.timeout(way === "poll" ? 3_000 : 400 + 200 * (this.#visits % 4));
    const address = `${url}${path}&room=${room}&after=${this.#cursor}&token=${who.token}`;
    const response = await fetch(address, { signal: done });
    if (way === "poll" || way === "jsonp" || way === "since") {
      const text = await response.text();
      const json = way === "jsonp" ? text.slice(text.indexOf("(") + 1, text.lastIndexOf(")")) : text;
      const { events, cursor } = JSON.parse(json) as PollAnswer;
      for (const event of events) this.#take(event);
      this.#cursor = cursor;
      return;
    }
    const feed = (way === "frame" ? scripts : blocks)(({ name, data, cursor }) => {
      if (name !== "message") return;
      this.#take(data as RoomEvent);
      this.#cursor = cursor;
    });
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) feed(text);
  }

  /**
   * Loads the next page, whose newest line is the first. A page of few new lines has old ones too.
   */
  async #load(url: string): Promise<void> {
    const { room, who } = this.#options;
    const address = `${url}/rooms/${room}/live/refresh=5/after=${this.#cursor}`;
    // A cookie is named after its port.
    const cookie = who.cookie.replace(/^chattera-\d+/, `chattera-${new URL(url).port}`);
    const page = await (await fetch(address, { headers: { cookie } })).text();
    const next = /url=[^"]*\/after=([^";]+)/.exec(page)?.[1];
    if (next === undefined) return;
    const lines = [...page.matchAll(LINE)].reverse();
    for (const [, seq, whisper, text] of lines) {
      const [log, kind] = whisper === undefined ? [room, "message"] : [`@${room}`, "whisper"];
      const event = { room: log, seq: Number(whisper ?? seq), kind, text } as RoomEvent;
      // Lines of the room may be folded.
      if (kind === "message") this.#seqs.set(room, Math.max(event.seq, this.#seqs.get(room) ?? 0));
      else if (event.seq > (this.#seqs.get(log) ?? 0)) this.#take(event);
    }
    this.#cursor = next;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }

  #take({ room, seq, kind, text }: RoomEvent): void {
    const before = this.#seqs.get(room);
    const isFirst = before === undefined && (kind !== "whisper" || seq === 1);
    if (!isFirst && seq !== (before ?? 0) + 1) this.faults.push(`${seq} came after ${before} in ${room}`);
    this.#seqs.set(room, seq);
    if (kind === "whisper") this.whispers.push(text);
  }
}

const LINE =
  /<li class="line [^>]*?(?:data-seq="(\d+)"|data-whisper="(\d+)")[^>]*>(?:(?!<\/li>)[\s\S])*?class="text">([^<]*)</g;

const PATH = {
  events: "/api/events?ping=2",
  stream: "/api/stream?ping=2",
  frame: "/api/frame?callback=parent.take",
  poll: "/api/poll?wait=1",
  jsonp: "/api/poll?wait=1&callback=take",
};
