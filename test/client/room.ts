import type { Known } from "../../client/core/network/known.ts";
import { createConfirm } from "../../client/core/reading/confirm.ts";
import type { Position } from "../../client/core/reading/ledger.ts";
import { createSession, type ReadingSession } from "../../client/core/reading/session.ts";
import type { SessionStatus } from "../../client/core/reading/state.ts";
import { createFakeSite, type FakeSite } from "./fake-site.ts";
import { createWorld, type World } from "./world.ts";

/** A session, the site and network that a test commands, and all that the session has emitted. */
export type Room = {
  world: World;
  site: FakeSite;
  session: ReadingSession;
  seen: number[];
  /** The seqs of the room `another`. */
  others: number[];
  /** The seqs of the inbox. */
  whispers: number[];
  resets: string[];
  states: SessionStatus[];
  known: Known;
  hidden: boolean;
};

/** Opens a session in the room `lobby` after its event `seq`; -1 means from now on. */
export function enter(
  options: { random?: () => number; seq?: number; known?: Known; streams?: number; world?: World } = {},
): Room {
  const world = options.world ?? createWorld(options.random);
  const site = createFakeSite(world);
  const seq = options.seq ?? 0;
  const room: Omit<Room, "session"> = {
    world,
    site,
    seen: [],
    others: [],
    whispers: [],
    resets: [],
    states: [],
    known: {},
    hidden: false,
  };
  const position = { room: "lobby", cursor: seq < 0 ? "" : `c${seq}`, seq };
  return Object.assign(room, { session: openSession(room, { ...options, position }) });
}

/**
 * Closes the session, and opens another one where it left off, as a page does that is loaded again.
 */
export function resume(room: Room): void {
  const position = room.session.positionIn("lobby") as Position;
  room.session.close();
  room.session = openSession(room, { position });
  room.session.start();
}

function openSession(
  room: Omit<Room, "session">,
  { position, known, streams = 2 }: { position: Position; known?: Known | undefined; streams?: number | undefined },
): ReadingSession {
  const { world, site } = room;
  const session = createSession({
    environment: world.environment,
    rooms: [position],
    streams: site.streams.slice(0, streams),
    confirm: createConfirm(world.environment, site.http, { base: "" }),
    polls: [site.poll],
    rttMs: 100,
    hidden: () => room.hidden,
    memory: { load: () => known, save: (latest) => Object.assign(room.known, latest) },
  });
  const seqs: { [log: string]: number[] } = { lobby: room.seen, another: room.others, "@lobby": room.whispers };
  session.on("event", ({ room: log, seq }) => void seqs[log]?.push(seq));
  session.on("reset", (reset) => room.resets.push(reset.reason));
  session.on("status", (status) => room.states.push(status));
  return session;
}

/** Returns the session's state and transport. */
export function standing({ states }: Room): string {
  const { state, transport, slow } = states.at(-1) as SessionStatus;
  return `${state} ${transport}${slow ? " slow" : ""}`;
}
