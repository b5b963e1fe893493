import type { Known } from "../../client/core/network/known.ts";
import { createConfirm } from "../../client/core/reading/confirm.ts";
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
    resets: [],
    states: [],
    known: {},
    hidden: false,
  };
  const session = createSession({
    environment: world.environment,
    rooms: [{ room: "lobby", cursor: seq < 0 ? "" : `c${seq}`, seq }],
    streams: site.streams.slice(0, options.streams ?? 2),
    confirm: createConfirm(world.environment, site.http, { base: "" }),
    polls: [site.poll],
    rttMs: 100,
    hidden: () => room.hidden,
    memory: { load: () => options.known, save: (known) => Object.assign(room.known, known) },
  });
  session.on("event", ({ room: name, seq }) => (name === "lobby" ? room.seen : room.others).push(seq));
  session.on("reset", (reset) => room.resets.push(reset.reason));
  session.on("status", (status) => room.states.push(status));
  return Object.assign(room, { session });
}

/** Returns the session's state and transport. */
export function standing({ states }: Room): string {
  const { state, transport, slow } = states.at(-1) as SessionStatus;
  return `${state} ${transport}${slow ? " slow" : ""}`;
}
