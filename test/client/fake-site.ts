import type { Reading, Sink, Transport } from "../../client/core/transport.ts";
import type { PollAnswer, RoomEvent } from "../../protocol/event.ts";
import type { World } from "./world.ts";

/** What the network does to a new stream: `mute` never says hello, `silent` says it and then nothing, `lossy` drops events. */
export type StreamManners = "good" | "refused" | "mute" | "silent" | "lossy" | "doubling";
export type PollManners = "good" | "refused" | "instant" | "stale";

/** A site with one room, a stream and a poll, which a test makes behave. */
export type FakeSite = {
  log: RoomEvent[];
  manners: { stream: StreamManners; poll: PollManners };
  stream: Transport;
  poll: Transport;
  opened: { transport: string; reading: Reading }[];
  append(): RoomEvent;
  /** Breaks what is open. */
  cut(): void;
  /** What is open stays open, but shows nothing more. */
  deafen(): void;
  undeafen(): void;
  open(): number;
};

type Stream = { sink: Sink; manners: StreamManners; over: boolean; stops: (() => void)[] };

/** The log grows by `append`; a cursor is `c` and a seq. */
export function createFakeSite(world: World): FakeSite {
  const streams = new Set<Stream>();
  const polls = new Set<{ answer(): void; fail(): void }>();
  const { later } = world.outside;

  const site: FakeSite = {
    log: [],
    manners: { stream: "good", poll: "good" },
    opened: [],
    stream: {
      name: "sse",
      streams: true,
      open(reading, sink) {
        site.opened.push({ transport: "sse", reading });
        return openStream(reading, sink);
      },
    },
    poll: {
      name: "poll",
      streams: false,
      open(reading, sink) {
        site.opened.push({ transport: "poll", reading });
        return openPoll(reading, sink);
      },
    },
    append() {
      const event = eventOf(site.log.length + 1);
      site.log.push(event);
      for (const stream of streams) show(stream, event);
      for (const poll of [...polls]) poll.answer();
      return event;
    },
    cut() {
      for (const stream of [...streams]) end(stream, { how: "cut" });
      for (const poll of [...polls]) poll.fail();
    },
    deafen() {
      for (const stream of streams) stream.manners = "silent";
    },
    undeafen() {
      for (const stream of streams) stream.manners = "good";
    },
    open: () => streams.size + polls.size,
  };
  return site;

  function openStream(reading: Reading, sink: Sink): () => void {
    const stream: Stream = { sink, manners: site.manners.stream, over: false, stops: [] };
    stream.stops.push(later(20, () => greet(stream, reading)));
    return () => close(stream);
  }

  function greet(stream: Stream, reading: Reading): void {
    if (stream.manners === "refused") end(stream, { how: "refused" });
    if (stream.over || stream.manners === "mute") return;
    const heads = () => ({ lobby: site.log.length });
    const cursor = () => `c${site.log.length}`;
    const hello = { protocol: 1, retry: 1000, ping: 15_000, cursor: cursor(), heads: heads(), n: reading.nonce };
    stream.sink.hello({ chattera: 1, ...hello });
    for (const event of after(reading.after)) show(stream, event);
    streams.add(stream);
    const ping = (ms: number) => {
      stream.stops.push(
        later(ms, () => {
          if (stream.manners !== "silent") stream.sink.ping({ cursor: cursor(), heads: heads() });
          ping(15_000);
        }),
      );
    };
    ping(500);
  }

  function show(stream: Stream, event: RoomEvent): void {
    if (stream.over || stream.manners === "silent") return;
    if (stream.manners === "lossy" && event.seq % 3 === 0) return;
    stream.sink.event(event, `c${event.seq}`);
    if (stream.manners === "doubling") stream.sink.event(event, `c${event.seq}`);
  }

  function end(stream: Stream, ending: Parameters<Sink["ended"]>[0]): void {
    if (stream.over) return;
    close(stream);
    stream.sink.ended(ending);
  }

  function close(stream: Stream): void {
    stream.over = true;
    streams.delete(stream);
    for (const stop of stream.stops) stop();
  }

  function openPoll(reading: Reading, sink: Sink): () => void {
    const manners = site.manners.poll;
    let stop = () => {};
    const held = {
      answer: () => over(() => sink.answer(answerOf(manners === "stale" ? "c0" : reading.after, reading.nonce))),
      fail() {
        polls.delete(held);
        stop();
        sink.ended({ how: "refused" });
      },
    };
    const over = (give: () => void) => {
      polls.delete(held);
      stop();
      give();
      sink.ended({ how: "answered" });
    };
    stop = later(20, () => {
      const atOnce = manners !== "good" || after(reading.after).length > 0 || reading.wait === 0;
      if (manners === "refused") held.fail();
      else if (atOnce) held.answer();
      else {
        polls.add(held);
        stop = later(reading.wait * 1000, held.answer);
      }
    });
    return () => {
      polls.delete(held);
      stop();
    };
  }

  function answerOf(cursor: string, n: string): PollAnswer {
    return { chattera: 1, events: after(cursor), signals: [], cursor: `c${site.log.length}`, n };
  }

  function after(cursor: string): RoomEvent[] {
    return cursor === "" ? [] : site.log.slice(Number(cursor.slice(1)));
  }
}

function eventOf(seq: number): RoomEvent {
  const member = { id: "m1", nickname: "Ann", color: "#b3261e" };
  return { room: "lobby", seq, kind: "message", member, at: "2026-11-22T12:00:00Z", text: `remark ${seq}` };
}
