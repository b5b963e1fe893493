import type { PingSignal, PollAnswer } from "../../protocol/event.ts";
import { inboxOf } from "../../protocol/inbox.ts";
import { ROOMS_PER_READER } from "../../protocol/limits.ts";
import type { Environment } from "../core/base/environment.ts";
import type { ReadingSession } from "../core/reading/session.ts";
import { firstStatus, type SessionStatus } from "../core/reading/state.ts";
import type { Brought, Sink, Transport } from "../core/reading/transport.ts";
import type { Channel } from "./channel.ts";
import type { LeaderState, RoomUpdate, TabMessage } from "./message.ts";

// A reload leaves and joins again, and presence leaves a room late anyway.
const UNFOLLOW_MS = 10_000;
// A hidden guest asks once a minute, and one that crashed does not ask at all.
const FORGET_MS = 150_000;

/** The options of a host. */
export type HostOptions = { environment: Environment; channel: Channel; hiddenMs(): number };

/**
 * The leader's side: what it reads for the other tabs. All its work is done when a message or a
 * frame arrives, because browsers hand those to a hidden tab at once but delay its timers by up to
 * a minute.
 */
export type Host = HostOptions & {
  /** By the name of the link. */
  guests: Map<string, Guest>;
  /** The last known seq of each room. */
  heads: Map<string, number>;
  /** The rooms that are read for guests only. */
  followed: Set<string>;
  ownRoom: string;
  session: ReadingSession | undefined;
  status: SessionStatus;
  stopListening(): void;
};

type Overheard = { [Kind in keyof Brought]: { name: Kind; news: Brought[Kind]; cursor: string } }[keyof Brought];

type Guest = { rooms: string[]; heardAt: number };

/** Creates a host without guests. */
export function createHost(options: HostOptions): Host {
  return {
    ...options,
    guests: new Map(),
    heads: new Map(),
    followed: new Set(),
    ownRoom: "",
    session: undefined,
    status: firstStatus(),
    stopListening() {},
  };
}

/** Serves guests from now on by a session whose transports are overheard. */
export function serveGuests(host: Host, session: ReadingSession, ownRoom: string): void {
  const { channel, guests } = host;
  host.session = session;
  host.ownRoom = ownRoom;
  session.on("status", (now) => {
    host.status = now;
    if (guests.size > 0) channel.post({ say: "state", state: stateOf(host) });
  });
  host.stopListening = channel.listen((message) => host.session !== undefined && hear(host, host.session, message));
}

/** Serves no guests any more. */
export function closeHost(host: Host): void {
  host.session = undefined;
  host.stopListening();
  host.guests.clear();
}

/** Returns the same transport, which also posts to the guests what it brings. */
export function overhear(host: Host, transport: Transport): Transport {
  return { ...transport, open: (reading, sink) => transport.open(reading, overheard(host, sink)) };
}

function overheard(host: Host, sink: Sink): Sink {
  return (kind, data, cursor = "") => {
    const frame = { name: kind, news: data, cursor } as Overheard;
    if (frame.name === "hello" || frame.name === "ping") noteHeads(host, frame.news.heads);
    sink(kind, data, cursor);
    if (frame.name === "ping" && host.guests.size > 0) host.channel.post({ say: "ping", ping: frame.news });
    else if (frame.name === "answer") postAnswer(host, frame.news);
    else if (frame.name !== "hello" && frame.name !== "ping" && frame.name !== "ended") post(host, frame);
  };
}

function postAnswer(host: Host, { resets, reset, events, signals, cursor }: PollAnswer): void {
  for (const news of resets || (reset ? [reset] : [])) post(host, { name: "reset", news });
  // The answer's cursor is true only behind the last event of its room: a guest's log may have a
  // gap before it.
  events.forEach((event, at) => {
    const isLast = !events.some((later, behind) => behind > at && later.room === event.room);
    post(host, { name: "event", news: event, cursor: isLast ? cursor : "" });
  });
  for (const signal of signals) {
    if (signal.signal === "bye") continue;
    post(host, { name: signal.signal, news: signal } as RoomUpdate);
  }
}

function post(host: Host, of: RoomUpdate): void {
  const { heads, guests, channel } = host;
  if (of.name === "event") noteHeads(host, { [of.news.room]: of.news.seq });
  // After a reset the log may be another one, with a lower head.
  if (of.name === "reset") heads.set(of.news.room, of.news.head);
  if (guests.size > 0) channel.post({ say: "news", of });
}

function noteHeads({ heads }: Host, brought: { [room: string]: number }): void {
  for (const [room, head] of Object.entries(brought)) heads.set(room, Math.max(heads.get(room) ?? 0, head));
}

function hear(host: Host, session: ReadingSession, message: TabMessage): void {
  if (message.say === "join") join(host, session, message);
  if (message.say === "ask") answer(host, message.link);
  if (message.say === "part") part(host, message.link);
  if (message.say === "wake") session.wake();
  if (message.say === "doubt") session.doubt(message.since);
  if (message.say === "expect") session.expect(message.room, message.seq, message.rttMs);
}

function join(host: Host, session: ReadingSession, { link, rooms, after }: Extract<TabMessage, { say: "join" }>): void {
  const { channel, followed, guests, ownRoom, environment } = host;
  const added = rooms.filter((room) => room !== ownRoom && !followed.has(room));
  if (1 + followed.size + added.length > ROOMS_PER_READER) {
    channel.post({ say: "full", link });
    return;
  }
  guests.set(link, { rooms, heardAt: environment.now() });
  for (const room of added) {
    followed.add(room);
    // A guest has one room, and so one cursor, and maybe another one for its inbox.
    session.follow({ room, cursor: after[0] || "", seq: -1, inboxCursor: after[1] || after[0] || "" });
  }
  answer(host, link);
}

function answer(host: Host, link: string): void {
  const { channel, guests, environment } = host;
  const guest = guests.get(link);
  if (guest === undefined) {
    channel.post({ say: "unknown", link });
    return;
  }
  guest.heardAt = environment.now();
  channel.post({ say: "here", link, ping: pingFor(host, guest.rooms), state: stateOf(host) });
  for (const [other, { heardAt }] of guests) if (environment.now() - heardAt > FORGET_MS) part(host, other);
}

function part(host: Host, link: string): void {
  const { guests, followed, environment } = host;
  const guest = guests.get(link);
  guests.delete(link);
  if (guest === undefined) return;
  environment.later(UNFOLLOW_MS, () => {
    for (const room of guest.rooms) if (followed.has(room) && !isWanted(host, room)) unfollow(host, room);
  });
}

function isWanted({ guests }: Host, room: string): boolean {
  return [...guests.values()].some(({ rooms }) => rooms.includes(room));
}

function unfollow({ followed, heads, session }: Host, room: string): void {
  followed.delete(room);
  heads.delete(room);
  heads.delete(inboxOf(room));
  session?.unfollow(room);
}

function stateOf({ status, hiddenMs }: Host): LeaderState {
  return { status, hiddenMs: hiddenMs() };
}

function pingFor({ heads, session }: Host, rooms: string[]): PingSignal {
  const known = [...rooms, ...rooms.map(inboxOf)].filter((log) => heads.has(log));
  return {
    cursor: session?.after()[0] || "",
    heads: Object.fromEntries(known.map((room) => [room, heads.get(room) as number])),
  };
}
