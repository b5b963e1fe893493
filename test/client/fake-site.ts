import type { Answer, Http, Request } from "../../client/core/http.ts";
import { createPoll } from "../../client/core/poll.ts";
import type { Ending, Reading, Sink, Transport } from "../../client/core/transport.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import type { World } from "./world.ts";

/**
 * What the network does to streams. `held`: nothing comes out; `refused`: an error, a wrong content type; `away`: nobody
 * is there; `hello`: it says hello and then nothing; `late`: each frame comes out when the next goes in; `lossy`,
 * `doubled`, `reordered`: what it says; `short`: cut after two seconds.
 */
export type StreamManners =
  | "good"
  | "held"
  | "refused"
  | "hello"
  | "late"
  | "lossy"
  | "doubled"
  | "reordered"
  | "short";

/**
 * What it does to requests. `html`: a login page; `stale`: a cache's answer to an earlier one; `instant`: empty at once,
 * as from a server that would not hold; `busy`: 503 with Retry-After; `short`: nothing held for more than three seconds.
 */
export type RequestManners = "good" | "html" | "stale" | "instant" | "busy" | "refused" | "short";

/** A site with one room and a network before it, which a test makes behave. */
export type FakeSite = {
  log: RoomEvent[];
  manners: { sse: StreamManners; stream: StreamManners; poll: RequestManners };
  streams: Transport[];
  poll: Transport;
  http: Http;
  opened: { transport: string; reading: Reading; at: number }[];
  append(): RoomEvent;
  /** Breaks what is open. */
  cut(): void;
  /** What is open stays open, but shows nothing more. */
  deafen(): void;
  /** The stream that was opened last shows nothing more. */
  deafenNewest(): void;
  /** The machine or the network is gone: requests fail at once, or, in a black hole, never. */
  vanish(how: "refused" | "hole"): void;
  comeBack(): void;
  /** Old events are pruned: the log begins behind this seq. */
  prune(seq: number): void;
  open(): { streams: number; polls: number };
};

type Stream = {
  sink: Sink;
  reading: Reading;
  manners: StreamManners;
  isDumb: boolean;
  isOver: boolean;
  held: (() => void)[];
  stops: (() => void)[];
};

const TRIP_MS = 20;

/** The log grows by `append`; a cursor is `c` and a seq. Of its two streams the first is the better. */
export function createFakeSite(world: World): FakeSite {
  const streams = new Set<Stream>();
  const polls = new Set<{ look(): void; fail(): void; isDumb: boolean }>();
  const { later, now } = world.outside;
  let oldest = 1;
  let gone: "refused" | "hole" | undefined;

  const http: Http = { ask, json: { parse: JSON.parse, print: JSON.stringify } };
  const site: FakeSite = {
    log: [],
    manners: { sse: "good", stream: "good", poll: "good" },
    streams: [streamNamed("sse"), streamNamed("stream")],
    poll: createPoll(http, { base: "" }),
    http,
    opened: [],
    append() {
      const event = eventOf(site.log.length + 1);
      site.log.push(event);
      for (const stream of streams) show(stream, event);
      for (const poll of [...polls]) poll.look();
      return event;
    },
    cut() {
      for (const stream of [...streams]) end(stream, { how: "cut" });
      for (const poll of [...polls]) poll.fail();
    },
    deafen() {
      for (const stream of streams) stream.isDumb = true;
      for (const poll of polls) poll.isDumb = true;
    },
    deafenNewest() {
      const newest = [...streams].at(-1);
      if (newest) newest.isDumb = true;
    },
    vanish(how) {
      gone = how;
      if (how === "hole") site.deafen();
      else site.cut();
    },
    comeBack() {
      gone = undefined;
    },
    prune(seq) {
      oldest = seq + 1;
    },
    open: () => ({ streams: [...streams].filter((stream) => !stream.isOver).length, polls: polls.size }),
  };
  return site;

  function streamNamed(name: "sse" | "stream"): Transport {
    return {
      name,
      streams: true,
      open(reading, sink) {
        site.opened.push({ transport: name, reading, at: now() });
        const manners = site.manners[name];
        const stream = {
          sink,
          reading,
          manners,
          isDumb: gone === "hole",
          isOver: false,
          held: [],
          stops: [],
        } as Stream;
        streams.add(stream);
        stream.stops.push(later(TRIP_MS, () => greet(stream)));
        return () => close(stream);
      },
    };
  }

  function greet(stream: Stream): void {
    if (gone === "refused" || stream.manners === "refused") {
      end(stream, { how: "refused" });
      return;
    }
    const after = seqOf(stream.reading.after);
    const place = () => ({ cursor: `c${site.log.length}`, heads: { lobby: site.log.length } });
    const ping = stream.reading.ping === 0 ? 15_000 : stream.reading.ping * 1000;
    const hello = { chattera: 1, protocol: 1, retry: 1000, ping, ...place(), n: stream.reading.nonce } as const;
    put(stream, () => stream.sink.hello(hello));
    if (after + 1 < oldest) {
      const head = site.log.length;
      const reset = { room: "lobby", reason: "pruned", cursor: `c${head}`, oldest, head } as const;
      put(stream, () => stream.sink.reset(reset));
    } else for (const event of site.log.slice(after)) show(stream, event);
    const pingIn = (ms: number) => {
      stream.stops.push(
        later(ms, () => {
          if (stream.manners !== "hello") put(stream, () => stream.sink.ping(place()));
          pingIn(ping);
        }),
      );
    };
    pingIn(500);
    if (stream.manners === "short") stream.stops.push(later(2_000, () => end(stream, { how: "cut" })));
  }

  function show(stream: Stream, event: RoomEvent): void {
    if (stream.manners === "hello" || (stream.manners === "lossy" && event.seq % 3 === 0)) return;
    const give = () => stream.sink.event(event, `c${event.seq}`);
    put(stream, give);
    if (stream.manners === "doubled") put(stream, give);
  }

  /** One frame on its way to the reader. */
  function put(stream: Stream, give: () => void): void {
    if (stream.isOver || stream.isDumb || stream.manners === "held") return;
    if (stream.manners === "late") putLate(stream, give);
    else if (stream.manners === "reordered") putReordered(stream, give);
    else give();
  }

  function putLate(stream: Stream, give: () => void): void {
    const before = stream.held.splice(0);
    stream.held.push(give);
    for (const one of before) one();
    // the comment behind the frame pushes it out
    if (stream.reading.late) stream.stops.push(later(50, () => stream.held.splice(0).forEach((one) => void one())));
  }

  function putReordered(stream: Stream, give: () => void): void {
    stream.held.push(give);
    if (stream.held.length < 2) {
      stream.stops.push(
        later(300, () =>
          stream.held
            .splice(0)
            .reverse()
            .forEach((one) => void one()),
        ),
      );
      return;
    }
    for (const one of stream.held.splice(0).reverse()) one();
  }

  function end(stream: Stream, ending: Ending): void {
    if (stream.isOver) return;
    close(stream);
    if (!stream.isDumb) stream.sink.ended(ending);
  }

  function close(stream: Stream): void {
    stream.isOver = true;
    streams.delete(stream);
    for (const stop of stream.stops) stop();
  }

  /** A request to the poll, as its URL says. */
  function ask({ url, timeoutMs }: Request, done: (answer: Answer) => void): () => void {
    const params = new Map(
      url
        .split(";")
        .slice(1)
        .map((param) => param.split("=") as [string, string]),
    );
    const nonce = params.get("n") ?? "";
    const after = [params.get("after") ?? ""];
    const wait = Number(params.get("wait") ?? 0);
    const reading = { rooms: ["lobby"], after, nonce, wait } as unknown as Reading;
    site.opened.push({ transport: "poll", reading, at: now() });
    const manners = site.manners.poll;
    const stops: (() => void)[] = [];
    const poll = { isDumb: gone === "hole", look, fail: () => settle({ status: 0, text: "" }) };
    polls.add(poll);
    stops.push(later(timeoutMs, () => settle({ status: 0, text: "" })));
    stops.push(later(TRIP_MS, arrive));
    return hangUp;

    function arrive(): void {
      if (poll.isDumb) return;
      if (gone === "refused" || manners === "refused") poll.fail();
      else if (manners === "html") settle({ status: 200, text: "<html>Please log in" });
      else if (manners === "busy") settle({ status: 503, text: "", retryMs: 2_000 });
      else if (manners === "stale") settle({ status: 200, text: answerTo(["c0"], "another") });
      else if (manners === "instant" || wait === 0 || hasNews()) settle({ status: 200, text: answerTo(after, nonce) });
      else {
        stops.push(later(wait * 1000, () => settle({ status: 200, text: answerTo(after, nonce) })));
        if (manners === "short") stops.push(later(3_000, poll.fail));
      }
    }

    function look(): void {
      if (!poll.isDumb && stops.length > 2 && hasNews()) settle({ status: 200, text: answerTo(after, nonce) });
    }

    function hasNews(): boolean {
      return site.log.length > seqOf(after) || seqOf(after) + 1 < oldest;
    }

    function settle(answer: Answer): void {
      if (!polls.has(poll)) return;
      hangUp();
      done(answer);
    }

    function hangUp(): void {
      polls.delete(poll);
      for (const stop of stops) stop();
    }
  }

  function answerTo(after: string[], n: string): string {
    const seq = seqOf(after);
    const head = site.log.length;
    const isLost = seq + 1 < oldest;
    const reset = isLost ? { reset: { room: "lobby", reason: "pruned", cursor: `c${head}`, oldest, head } } : {};
    return JSON.stringify({
      chattera: 1,
      events: isLost ? [] : site.log.slice(seq),
      signals: [],
      cursor: `c${head}`,
      n,
      ...reset,
    });
  }

  /** Without a cursor: from now on. */
  function seqOf(after: string[]): number {
    const cursor = after[0] ?? "";
    return cursor === "" ? site.log.length : Number(cursor.slice(1));
  }
}

function eventOf(seq: number): RoomEvent {
  const member = { id: "m1", nickname: "Ann", color: "#b3261e" };
  return { room: "lobby", seq, kind: "message", member, at: "2026-11-22T12:00:00Z", text: `remark ${seq}` };
}
