import type { Knex } from "knex";
import { type Ban, type BanAct, readBans } from "../../db/log/bans.ts";
import { readState, type SiteState, type Switches } from "../../db/log/switches.ts";
import { wallNow } from "../clock.ts";
import type { Logger } from "../log.ts";

/** A person, as far as bans are concerned. Networks are named by their eight letters. */
type Bannable = {
  memberId?: string | undefined;
  trip?: string | undefined;
  network?: string | undefined;
  wideNetwork?: string | undefined;
};

/** The ban that holds for a person: the strictest, if there are several. */
type BanOn = Pick<Ban, "id" | "act" | "reason" | "until" | "secretly" | "roomId">;

/** The bans and the emergency switches of the site, in this node's memory. */
export type Bans = {
  /** Returns whether nobody is banned anywhere. */
  isEmpty(): boolean;
  /** Returns the ban on a person, in a room or on the whole site; `undefined` if there is none. */
  on(person: Bannable, roomId?: number): BanOn | undefined;
  /** Returns the emergency switches. */
  switches(): Switches;
  /** Returns the time (milliseconds since 1970) since which operators must have signed in. */
  operatorsSince(): number;
  /** Reads bans and switches again, since they have changed. Resolves when they are known. */
  refresh(): Promise<void>;
  /** Calls a listener whenever bans or switches have changed. */
  onChange(listener: () => void): void;
  stop(): void;
};

/**
 * Where no notification arrives, a ban is known this much later. So it holds everywhere within a
 * second. The query takes 0.1 ms.
 */
const LOOK_MS = 500;

/** The stricter act first. */
const STRICTEST: BanAct[] = ["shut-out", "remove", "silence"];

type Dependencies = { db: Knex; logger: Logger };

/** Reads the bans and the switches, and keeps them up to date. */
export async function openBans({ db, logger }: Dependencies): Promise<Bans> {
  let state: SiteState = await readState(db);
  let bans = byTarget(await readBans(db));
  const listeners: (() => void)[] = [];
  let reading: Promise<void> | undefined;
  let isAskedAgain = false;
  const timer = setInterval(() => void refresh(), LOOK_MS).unref();

  return {
    isEmpty: () => bans.size === 0,
    on: (person, roomId) => (bans.size === 0 ? undefined : strictest(bans, person, roomId)),
    switches: () => state,
    operatorsSince: () => state.operatorsSince,
    refresh: () => {
      isAskedAgain ||= reading !== undefined;
      return refresh();
    },
    onChange: (listener) => void listeners.push(listener),
    stop: () => clearInterval(timer),
  };

  function refresh(): Promise<void> {
    reading ??= readAll()
      .catch((error) => logger.debug({ err: error }, "bans could not be read"))
      .finally(() => {
        reading = undefined;
      });
    return reading;
  }

  /** A read that has begun may miss what was changed since, so it is followed by another. */
  async function readAll(): Promise<void> {
    do {
      isAskedAgain = false;
      const latest = await readState(db);
      if (latest.version === state.version) continue;
      bans = byTarget(await readBans(db));
      state = latest;
      for (const listener of listeners) listener();
    } while (isAskedAgain);
  }
}

type BansByTarget = Map<string, Ban[]>;

function keyOf(roomId: number | undefined, kind: string, value: string): string {
  return `${roomId ?? ""} ${kind} ${value}`;
}

function byTarget(bans: Ban[]): BansByTarget {
  const found: BansByTarget = new Map();
  for (const ban of bans) {
    const key = keyOf(ban.roomId, ban.kind, ban.value);
    found.set(key, [...(found.get(key) ?? []), ban]);
  }
  return found;
}

function strictest(bans: BansByTarget, person: Bannable, roomId: number | undefined): BanOn | undefined {
  const { memberId, trip, network, wideNetwork } = person;
  const targets: [string, string | undefined][] = [
    ["member", memberId],
    ["trip", trip],
    ["network", network],
    ["network", wideNetwork],
  ];
  const now = wallNow();
  let found: Ban | undefined;
  for (const scope of roomId === undefined ? [undefined] : [undefined, roomId])
    for (const [kind, value] of targets) {
      if (value === undefined) continue;
      for (const ban of bans.get(keyOf(scope, kind, value)) ?? []) {
        if (ban.until !== undefined && ban.until <= now) continue;
        if (found === undefined || isStricter(ban, found)) found = ban;
      }
    }
  return found;
}

/** Of two that forbid the same, the one that is not secret counts. */
function isStricter(one: Ban, other: Ban): boolean {
  const [a, b] = [STRICTEST.indexOf(one.act), STRICTEST.indexOf(other.act)];
  return a < b || (a === b && other.secretly && !one.secretly);
}
