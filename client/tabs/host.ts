import type { PingSignal } from "../../protocol/event.ts";
import { ROOMS_PER_READER } from "../../protocol/limits.ts";
import type { Environment } from "../core/base/environment.ts";
import type { Session } from "../core/reading/session.ts";
import type { SessionStatus } from "../core/reading/state.ts";
import type { Transport } from "../core/reading/transport.ts";
import type { Channel } from "./channel.ts";
import type { LeaderState, TabMessage, TabNews } from "./message.ts";

// A reload parts and joins again; and leaving a room late is what presence does anyway.
const UNFOLLOW_MS = 10_000;
// A hidden guest asks once a minute; who crashed does not ask at all.
const FORGET_MS = 150_000;

/** The leader's side: reads for the other tabs what they ask for. */
export type Host = {
  /** The same way to the server, overheard: the guests are told all that comes by it. */
  overhear(transport: Transport): Transport;
  /** Serves guests from now on, by a session whose ways are overheard. */
  serve(session: Session, room: string): void;
  close(): void;
};

type Guest = { rooms: string[]; heardAt: number };

/**
 * A host without guests. All it does, it does when a message or the network's news come in: those a browser hands to a
 * hidden tab at once, timers it keeps back for up to a minute.
 */
export function createHost({
  environment,
  channel,
  hiddenMs,
}: {
  environment: Environment;
  channel: Channel;
  hiddenMs(): number;
}): Host {
  const guests = new Map<string, Guest>();
  const heads = new Map<string, number>();
  const followed = new Set<string>();
  let status: SessionStatus | undefined;
  let ownRoom = "";
  let session: Session | undefined;
  let stopListening = () => {};

  return {
    overhear,
    serve(served, room) {
      session = served;
      ownRoom = room;
      session.on("status", (now) => {
        status = now;
        if (guests.size > 0) channel.post({ say: "state", state: state() });
      });
      stopListening = channel.listen((message) => session !== undefined && hear(session, message));
    },
    close() {
      session = undefined;
      stopListening();
      guests.clear();
    },
  };

  function hear(leading: Session, message: TabMessage): void {
    if (message.say === "join") join(leading, message);
    if (message.say === "ask") answer(message.link);
    if (message.say === "part") part(message.link);
    if (message.say === "wake") leading.wake();
    if (message.say === "expect") leading.expect(message.room, message.seq, message.rttMs);
  }

  function join(leading: Session, { link, rooms, after }: Extract<TabMessage, { say: "join" }>): void {
    const strange = rooms.filter((room) => room !== ownRoom && !followed.has(room));
    if (1 + followed.size + strange.length > ROOMS_PER_READER) {
      channel.post({ say: "full", link });
      return;
    }
    guests.set(link, { rooms, heardAt: environment.now() });
    for (const room of strange) {
      followed.add(room);
      // a guest has one room, and so one cursor
      leading.follow({ room, cursor: after[0] ?? "", seq: -1 });
    }
    answer(link);
  }

  function answer(link: string): void {
    const guest = guests.get(link);
    if (guest === undefined) {
      channel.post({ say: "unknown", link });
      return;
    }
    guest.heardAt = environment.now();
    channel.post({ say: "here", link, ping: pingFor(guest.rooms), state: state() });
    for (const [other, { heardAt }] of guests) if (environment.now() - heardAt > FORGET_MS) part(other);
  }

  function part(link: string): void {
    const guest = guests.get(link);
    guests.delete(link);
    if (guest === undefined) return;
    environment.later(UNFOLLOW_MS, () => {
      for (const room of guest.rooms) if (followed.has(room) && !isWanted(room)) unfollow(room);
    });
  }

  function isWanted(room: string): boolean {
    return [...guests.values()].some(({ rooms }) => rooms.includes(room));
  }

  function unfollow(room: string): void {
    followed.delete(room);
    heads.delete(room);
    session?.unfollow(room);
  }

  function state(): LeaderState {
    return { status: status ?? { state: "connecting", transport: "", slow: false, failures: 0 }, hiddenMs: hiddenMs() };
  }

  function pingFor(rooms: string[]): PingSignal {
    const known = rooms.filter((room) => heads.has(room));
    return {
      cursor: session?.after()[0] ?? "",
      heads: Object.fromEntries(known.map((room) => [room, heads.get(room) as number])),
    };
  }

  function overhear(transport: Transport): Transport {
    return {
      name: transport.name,
      streams: transport.streams,
      open: (reading, sink) =>
        transport.open(reading, {
          hello(hello) {
            noteHeads(hello.heads);
            sink.hello(hello);
          },
          ping(ping) {
            noteHeads(ping.heads);
            sink.ping(ping);
            if (guests.size > 0) channel.post({ say: "ping", ping });
          },
          event(event, cursor) {
            sink.event(event, cursor);
            tell({ name: "event", news: event, cursor });
          },
          members(news) {
            sink.members(news);
            tell({ name: "members", news });
          },
          typing(news) {
            sink.typing(news);
            tell({ name: "typing", news });
          },
          reset(news) {
            sink.reset(news);
            tell({ name: "reset", news });
          },
          answer(answer) {
            sink.answer(answer);
            for (const news of answer.resets ?? (answer.reset ? [answer.reset] : [])) tell({ name: "reset", news });
            // Only behind the last one of its room is the answer's cursor true; a guest's log may have a hole before.
            answer.events.forEach((event, at) => {
              const isLast = !answer.events.some((later, behind) => behind > at && later.room === event.room);
              tell({ name: "event", news: event, cursor: isLast ? answer.cursor : "" });
            });
            for (const { signal, ...news } of answer.signals) {
              if (signal === "members" && "room" in news) tell({ name: "members", news });
            }
          },
          ended: sink.ended,
        }),
    };
  }

  function noteHeads(told: { [room: string]: number }): void {
    for (const room in told) heads.set(room, Math.max(heads.get(room) ?? 0, told[room] as number));
  }

  function tell(of: TabNews): void {
    if (of.name === "event") noteHeads({ [of.news.room]: of.news.seq });
    // after a reset the log may be another one, with a lower head
    if (of.name === "reset") heads.set(of.news.room, of.news.head);
    if (guests.size > 0) channel.post({ say: "news", of });
  }
}
