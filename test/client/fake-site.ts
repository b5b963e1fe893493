import type { Answer, Http, Request } from "../../client/core/base/http.ts";
import { createPoll } from "../../client/core/reading/poll.ts";
import type { Ending, Reading, Sink, Transport } from "../../client/core/reading/transport.ts";
import type { ResetSignal, RoomEvent } from "../../protocol/event.ts";
import type { World } from "./world.ts";

/**
 * The network's treatment of streams. `held`: nothing comes out; `refused`: an error, or a wrong
 * content type; `hello`: hello comes out, and then nothing; `late`: each frame comes out when the
 * next one is sent; `lossy`, `doubled`, `reordered`: events are dropped, repeated or swapped;
 * `short`: streams are cut after two seconds.
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
 * The network's treatment of requests. `html`: answers with a login page; `stale`: answers from a
 * cache; `instant`: answers at once with nothing, like a server that does not hold polls; `busy`:
 * answers 503 with Retry-After; `short`: holds nothing for more than three seconds.
 */
export type RequestManners = "good" | "html" | "stale" | "instant" | "busy" | "refused" | "forbidden" | "short";

/** The network's treatment of messages. `hang`: they are not answered; `busy`: answers 503. */
export type PostManners = "good" | "hang" | "busy";

/** A site with two rooms, and a network between it and the client. A test commands both. */
export type FakeSite = {
  /** The log of the room `lobby`. */
  log: RoomEvent[];
  /** The log of the room `another`. */
  otherLog: RoomEvent[];
  /** The reader's inbox in the lobby, `@lobby`, which its first whisper makes. */
  inbox: RoomEvent[];
  manners: { sse: StreamManners; stream: StreamManners; poll: RequestManners; post: PostManners };
  streams: Transport[];
  poll: Transport;
  http: Http;
  opened: { transport: string; reading: Reading; at: number }[];
  /** The seconds since the node last read the log, if it cannot. */
  unreadSeconds: number | undefined;
  append(room?: string, id?: string): RoomEvent;
  /** Cuts all open connections. */
  cut(): void;
  /** Keeps open connections open, but lets nothing come by them. */
  deafen(): void;
  /** Lets nothing more come by the newest stream. */
  deafenNewest(): void;
  /** Removes the server or the network. Requests fail at once or, in a black hole, never. */
  vanish(how: "refused" | "hole"): void;
  comeBack(): void;
  /** Prunes old events: the lobby's log begins after this seq. */
  prune(seq: number): void;
  /** Restores the logs from a backup: half of the events are left, in a new epoch. */
  restore(): void;
  /** Returns the open connections. Confirmations count as polls, since both are requests. */
  open(): { streams: number; polls: number };
  /** Returns the number of messages that are under way. */
  sending(): number;
  confirmations(): number;
};

/**
 * The last seqs that are known of the lobby, of the other room and of the inbox; undefined where
 * the cursors do not name it.
 */
type Place = { [room: string]: number | undefined };

type Stream = {
  sink: Sink;
  place: Place;
  reading: Reading;
  manners: StreamManners;
  isDumb: boolean;
  isOver: boolean;
  held: (() => void)[];
  stops: (() => void)[];
};

const TRIP_MS = 20;

/**
 * A log grows by `append`; a cursor is the epoch, `c` at first, and the lobby's seq, then `.` and
 * the other room's, then `~` and the inbox's, of those that are read. Of its two streams the first
 * is the better.
 */
export function createFakeSite(world: World): FakeSite {
  const streams = new Set<Stream>();
  const polls = new Set<{ look(): void; fail(): void; isDumb: boolean; isConfirmation: boolean }>();
  const { later, now } = world.environment;
  const posts = new Set<object>();
  let oldest = 1;
  let epoch = "c";
  let gone: "refused" | "hole" | undefined;

  const http: Http = { ask, json: { parse: JSON.parse, print: JSON.stringify } };
  const site: FakeSite = {
    log: [],
    otherLog: [],
    inbox: [],
    manners: { sse: "good", stream: "good", poll: "good", post: "good" },
    streams: [streamNamed("sse"), streamNamed("stream")],
    poll: createPoll(http, { base: "" }),
    http,
    opened: [],
    unreadSeconds: undefined,
    append(room = "lobby", id) {
      const event = { ...eventOf(room, logOf(room).length + 1), ...(id !== undefined && { id }) };
      logOf(room).push(event);
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
    restore() {
      epoch = String.fromCharCode(epoch.charCodeAt(0) + 1);
      oldest = 1;
      site.log = site.log.slice(0, site.log.length / 2);
      site.otherLog = site.otherLog.slice(0, site.otherLog.length / 2);
      site.cut();
    },
    open: () => ({ streams: [...streams].filter((stream) => !stream.isOver).length, polls: polls.size }),
    sending: () => posts.size,
    confirmations: () => [...polls].filter(({ isConfirmation }) => isConfirmation).length,
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
          place: {},
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
    const { rooms } = stream.reading;
    const { place, resets } = placeOf(stream.reading);
    const ping = stream.reading.ping === 0 ? 15_000 : stream.reading.ping * 1000;
    const hello = { chattera: 1, protocol: 2, retry: 1000, ping, n: stream.reading.nonce } as const;
    stream.place = place;
    const standing = () => ({
      cursor: cursorOf(stream.place),
      heads: Object.fromEntries(logsOf(rooms).map((room) => [room, logOf(room).length])),
    });
    put(stream, () => stream.sink("hello", { ...hello, ...standing() }));
    for (const reset of resets) put(stream, () => stream.sink("reset", reset));
    for (const room of logsOf(rooms)) for (const event of logOf(room).slice(place[room])) show(stream, event);
    const pingIn = (ms: number) => {
      if (stream.isOver) return;
      stream.stops.push(
        later(ms, () => {
          if (stream.manners !== "hello") put(stream, () => stream.sink("ping", { ...standing(), ...stale() }));
          pingIn(ping);
        }),
      );
    };
    pingIn(500);
    if (stream.manners === "short" && !stream.isOver)
      stream.stops.push(later(2_000, () => end(stream, { how: "cut" })));
  }

  function show(stream: Stream, event: RoomEvent): void {
    // A stream without a place gets this event later, with those that it has missed.
    if (stream.place[event.room === INBOX ? "lobby" : event.room] === undefined) return;
    stream.place[event.room] = event.seq;
    const cursor = cursorOf(stream.place);
    if (stream.manners === "hello" || (stream.manners === "lossy" && event.seq % 3 === 0)) return;
    const give = () => stream.sink("event", event, cursor);
    put(stream, give);
    if (stream.manners === "doubled") put(stream, give);
  }

  /** Sends one frame to the reader. */
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
    // The comment behind the frame pushes it out.
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
    if (!stream.isDumb) stream.sink("ended", ending);
  }

  function close(stream: Stream): void {
    stream.isOver = true;
    streams.delete(stream);
    for (const stop of stream.stops) stop();
  }

  /** Answers a poll or a confirmation, according to its URL. */
  function ask(request: Request, done: (answer: Answer) => void): () => void {
    if (request.method === "POST" || request.url.includes("/say;")) return post(request, done);
    const { url, timeoutMs } = request;
    const params = url.split(";").slice(1);
    const all = (name: string) =>
      params.filter((param) => param.startsWith(`${name}=`)).map((param) => param.slice(name.length + 1));
    const [nonce = ""] = all("n");
    const [confirmed] = all("stream");
    const wait = Number(all("wait")[0] ?? 0);
    const reading = { rooms: all("room"), after: all("after"), nonce, wait };
    // "From now on" means from this moment.
    let { place, resets }: ReturnType<typeof placeOf> = { place: {}, resets: [] };
    site.opened.push({
      transport: confirmed === undefined ? "poll" : "here",
      reading: reading as unknown as Reading,
      at: now(),
    });
    const manners = site.manners.poll;
    const stops: (() => void)[] = [];
    const fail = () => settle({ status: 0, text: "" });
    const poll = { isDumb: gone === "hole", isConfirmation: confirmed !== undefined, look, fail };
    polls.add(poll);
    stops.push(later(timeoutMs, () => settle({ status: 0, text: "" })));
    stops.push(later(TRIP_MS, arrive));
    return hangUp;

    function arrive(): void {
      if (poll.isDumb) return;
      ({ place, resets } = placeOf(reading));
      if (gone === "refused" || manners === "refused") poll.fail();
      else if (manners === "html") settle({ status: 200, text: "<html>Please log in" });
      else if (manners === "busy") settle({ status: 503, text: "", retryMs: 2_000 });
      else if (manners === "forbidden")
        settle({ status: 403, text: JSON.stringify({ chattera: 1, n: nonce, code: "shut_out" }) });
      else if (confirmed !== undefined) settle({ status: 200, text: JSON.stringify({ chattera: 1, n: nonce }) });
      else if (manners === "stale") settle({ status: 200, text: answerTo({ ...place, lobby: 0 }, [], "another's") });
      else if (manners === "instant" || wait === 0 || hasNews())
        settle({ status: 200, text: answerTo(place, resets, nonce) });
      else {
        const answer = () => !poll.isDumb && settle({ status: 200, text: answerTo(place, resets, nonce) });
        stops.push(later(wait * 1000, answer));
        if (manners === "short") stops.push(later(3_000, poll.fail));
      }
    }

    function look(): void {
      if (!poll.isDumb && stops.length > 2 && confirmed === undefined && hasNews())
        settle({ status: 200, text: answerTo(place, resets, nonce) });
    }

    function hasNews(): boolean {
      return resets.length > 0 || logsOf(reading.rooms).some((room) => logOf(room).length > (place[room] ?? 0));
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

  /** Stores messages, each id once, and answers with their receipts. */
  function post({ url, body = "", timeoutMs }: Request, done: (answer: Answer) => void): () => void {
    const ids = [...(body + url).matchAll(/"id":"([^"]*)|[;&]?\bid=([^&;]*)/g)].map(([, json, other]) => json ?? other);
    const n = /;n=([^;]*)/.exec(url)?.[1];
    const { post: manners } = site.manners;
    const isLost = gone === "hole" || manners === "hang";
    const stops = [later(timeoutMs, () => settle({ status: 0, text: "" }))];
    if (!isLost) stops.push(later(TRIP_MS, arrive));
    posts.add(stops);
    return hangUp;

    function arrive(): void {
      if (gone === "refused") settle({ status: 0, text: "" });
      else if (manners === "busy") settle({ status: 503, text: "" });
      else {
        const events = ids.map((id) => site.log.find((one) => one.id === id) ?? site.append("lobby", id));
        const stored = events.length === 1 ? { event: events[0] } : { results: events.map((event) => ({ event })) };
        const cursor = `${epoch}${events.at(-1)?.seq}`;
        settle({ status: 201, text: JSON.stringify({ chattera: 1, n, ...stored, cursor }) });
      }
    }

    function settle(answer: Answer): void {
      hangUp();
      done(answer);
    }

    function hangUp(): void {
      posts.delete(stops);
      for (const stop of stops) stop();
    }
  }

  function answerTo(place: Place, resets: ResetSignal[], n: string): string {
    const rooms = logsOf(Object.keys(place).filter((room) => room !== INBOX));
    return JSON.stringify({
      chattera: 1,
      events: rooms.flatMap((room) => logOf(room).slice(place[room])),
      signals: [],
      cursor: cursorOf(Object.fromEntries(rooms.map((room) => [room, logOf(room).length]))),
      n,
      ...stale(),
      ...(resets.length > 0 && { reset: resets[0], resets }),
    });
  }

  /**
   * Returns where a reader begins: without a cursor from now on, else behind its cursors, or a
   * reset.
   */
  function placeOf({ rooms, after }: Pick<Reading, "rooms" | "after">): { place: Place; resets: ResetSignal[] } {
    const place: Place = {};
    const lost: ResetSignal[] = [];
    for (const room of logsOf(rooms)) {
      const head = logOf(room).length;
      const first = room === "lobby" ? oldest : 1;
      const ours = after.filter((cursor) => cursor.startsWith(epoch));
      const seqs = ours.map((cursor) => seqIn(cursor, room)).filter((seq) => seq !== undefined);
      // An inbox that was made since is read from its oldest whisper on.
      const otherwise = room === INBOX && ours.length > 0 ? 0 : undefined;
      const seq = after.length === 0 ? head : seqs.length === 0 ? otherwise : Math.max(...seqs);
      const isHere = seq !== undefined && seq + 1 >= first && seq <= head;
      const reason = ours.length === 0 ? "epoch" : seq === undefined ? "malformed" : seq > head ? "future" : "pruned";
      place[room] = isHere ? seq : reason === "pruned" ? first - 1 : head;
      if (!isHere) lost.push({ room, reason, cursor: "", oldest: first, head });
    }
    return { place, resets: lost.map((reset) => ({ ...reset, cursor: cursorOf(place) })) };
  }

  function stale(): { stale?: number } {
    return site.unreadSeconds === undefined ? {} : { stale: site.unreadSeconds };
  }

  function cursorOf({ lobby, another, [INBOX]: inbox }: Place): string {
    return `${epoch}${lobby ?? ""}${another === undefined ? "" : `.${another}`}${inbox === undefined ? "" : `~${inbox}`}`;
  }

  function logOf(room: string): RoomEvent[] {
    if (room === INBOX) return site.inbox;
    return room === "lobby" ? site.log : site.otherLog;
  }

  /** Returns the rooms, and the inbox once there is one. */
  function logsOf(rooms: string[]): string[] {
    return rooms.includes("lobby") && site.inbox.length > 0 ? [...rooms, INBOX] : rooms;
  }
}

const INBOX = "@lobby";

function seqIn(cursor: string, room: string): number | undefined {
  const [rooms = "", inbox = ""] = cursor.slice(1).split("~");
  const [lobby = "", another = ""] = rooms.split(".");
  const seq = room === INBOX ? inbox : room === "lobby" ? lobby : another;
  return seq === "" ? undefined : Number(seq);
}

function eventOf(room: string, seq: number): RoomEvent {
  const member = { id: "m1", nickname: "Ann", color: "#b3261e" };
  if (room === INBOX)
    return { room, seq, kind: "whisper", member, to: member, at: "2026-11-22T12:00:00Z", text: `whisper ${seq}` };
  return { room, seq, kind: "message", member, at: "2026-11-22T12:00:00Z", text: `message ${seq}` };
}
