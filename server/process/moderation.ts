import type { Knex } from "knex";
import { findRoom, listAllRooms } from "../../db/log/all-rooms.ts";
import { type BanTarget, countHit, readBans } from "../../db/log/bans.ts";
import { readActs } from "../../db/log/moderation.ts";
import { writeOperatorLink } from "../../db/log/operator-links.ts";
import { readReports } from "../../db/log/reports.ts";
import { findRooms } from "../../db/log/rooms.ts";
import { listPeopleByNetwork } from "../../db/log/sightings.ts";
import { endOperators, readState, type Switches } from "../../db/log/switches.ts";
import { ofSchema, postgresWakeUps } from "../../db/log/wake-ups.ts";
import { migrate } from "../../db/migrate.ts";
import { connect } from "../../db/pool/connect.ts";
import { StartError } from "../../db/start-error.ts";
import type { Config } from "../config.ts";
import { makeLinkToken } from "../guard/operators.ts";
import { banRequest, targetRequest } from "../keeping-requests.ts";
import { ban, erase, lift, type ModeratedRoom, type ModeratedSite, resolve, setSwitches } from "../rooms/moderate.ts";
import { readSlug } from "../rooms/slug.ts";
import { parse } from "../wire.ts";
import { openDatabase } from "./open-database.ts";
import { printTable } from "./table.ts";

/** The target of a command. */
export type AdminTarget = BanTarget;

/** The operator of the command line, as the log of moderation names it. */
export const MODERATOR = { by: "operator", byName: "command line" };

/** A link is used at once, and then it is worth nothing. */
const LINK_MINUTES = 15;

type ListOptions = { room?: string | undefined; json?: true | undefined; before?: number; limit?: number };

/** Prints a list: `chattera rooms`, `people`, `reports`, `log` and `ban --list`. */
export async function listBy(config: Config, list: ListName, { room, json, ...page }: ListOptions): Promise<void> {
  await withSite(config, async ({ db }) => {
    const roomId = room === undefined ? undefined : (await roomNamed(db, room)).id;
    const rows: object[] = await LISTS[list](db, { roomId, limit: 50, ...page });
    if (json) print(JSON.stringify(rows, undefined, 2));
    else if (rows.length === 0) print("none");
    else printTable(rows as { [column: string]: unknown }[]);
  });
}

type ListName = keyof typeof LISTS;

type ListQuery = { roomId: number | undefined; before?: number; limit: number };

const LISTS = {
  rooms: (db: Knex) => listAllRooms(db),
  people: (db: Knex, { roomId }: ListQuery) => listPeopleByNetwork(db, roomId),
  reports: async (db: Knex, { roomId }: ListQuery) =>
    (await readReports(db, roomId)).map(({ member, ...report }) => ({ ...report, ...member, id: report.id })),
  log: (db: Knex, query: ListQuery) => readActs(db, query),
  bans: async (db: Knex, { roomId }: ListQuery) =>
    (await readBans(db, roomId ?? "all")).map(({ by: _by, until, ...one }) => ({
      ...one,
      until: until === undefined ? "" : new Date(until).toISOString(),
    })),
};

/** Erases messages: `chattera erase`. */
export async function eraseBy(
  config: Config,
  { room, seq, target }: { room: string | undefined; seq: number | undefined; target: AdminTarget[] },
): Promise<void> {
  if (seq === undefined) await eraseAll(readTarget(target));
  else if (target.length > 0 || room === undefined)
    throw new StartError("One message is named by --room and --seq, without --member, --trip and --network.");
  else await eraseAll({ seq });

  async function eraseAll(what: Parameters<typeof erase>[1]["what"]): Promise<void> {
    await withSite(config, async (site) => {
      const found = room === undefined ? undefined : await roomNamed(site.db, room);
      const count = await erase(site, { moderator: MODERATOR, room: found, what });
      print(count === 1 ? "1 message is erased." : `${count} messages are erased.`);
    });
  }
}

type AskedBan = {
  room?: string;
  act: "silence" | "shut-out" | "remove";
  minutes?: number;
  reason: string;
  secretly?: true;
  yes?: true;
  lift?: number | undefined;
  target: AdminTarget[];
};

/** Makes or lifts a ban: `chattera ban`. */
export async function makeBan(config: Config, { lift: id, target, ...asked }: AskedBan): Promise<void> {
  if (id !== undefined) return liftBy(config, id);
  const whom = readTarget(target);
  const { room, yes, ...rules } = asked;
  const { act, secretly, reason, minutes } = parse(banRequest, { ...rules, [whom.kind]: whom.value });
  await withSite(config, async (site) => {
    const found = room === undefined ? undefined : await roomNamed(site.db, room);
    const hit = await countHit(site.db, whom, found?.id);
    const people = `${hit.present} people who are here now, and ${hit.sessions} sessions of the last day`;
    if (whom.kind === "network" && hit.sessions > 1 && !yes)
      throw new StartError(`This would hit ${people}. Add --yes to do it.`);
    const made = await ban(site, {
      moderator: MODERATOR,
      room: found,
      asked: { ...whom, act, secretly, reason, minutes },
    });
    print(`Ban ${made.ban.id} holds. It hits ${people}. ${made.removed} of them left their rooms.`);
  });
}

async function liftBy(config: Config, id: number): Promise<void> {
  await withSite(config, async (site) => {
    const known = (await readBans(site.db)).find((one) => one.id === id);
    if (known === undefined) throw new StartError(`There is no ban ${id} that holds: chattera ban --list lists them.`);
    const room = known.roomId === undefined ? undefined : await findRoom(site.db, known.roomId);
    await lift(site, { moderator: MODERATOR, room, id });
    print(`Ban ${id} is lifted.`);
  });
}

/** Takes a report out of the queue: `chattera reports --resolve`. */
export async function resolveBy(config: Config, id: number): Promise<void> {
  await withSite(config, async (site) => {
    await resolve(site, { moderator: MODERATOR, id });
    print(`Report ${id} is out of the queue.`);
  });
}

/** Shows and sets the emergency switches: `chattera emergency`. */
export async function switchBy(config: Config, changes: Partial<Switches>, { json }: ListOptions): Promise<void> {
  await withSite(config, async (site) => {
    if (Object.keys(changes).length > 0) await setSwitches(site, { moderator: MODERATOR, changes });
    const { readOnly, noNewRooms, speakAfterMinutes } = await readState(site.db);
    if (json) print(JSON.stringify({ readOnly, noNewRooms, speakAfterMinutes }, undefined, 2));
    else {
      print(`read-only: ${readOnly ? "on" : "off"}`);
      print(`new rooms: ${noNewRooms ? "off" : "on"}`);
      print(`speak after: ${speakAfterMinutes} minutes`);
    }
  });
}

/** Prints a link by which an operator signs in: `chattera operator link`. */
export async function makeOperatorLink(config: Config, url: string | undefined): Promise<void> {
  const site = addressOf(config, url);
  await withSite(config, async ({ db }) => {
    const { token, hash } = makeLinkToken();
    await writeOperatorLink(db, hash, LINK_MINUTES);
    print(`${site}/operate?link=${token}`);
  });
}

/** Ends the sign-ins of all operators: `chattera operator end`. */
export async function signOutOperators(config: Config): Promise<void> {
  await withSite(config, async ({ db, wakeUps }) => {
    await endOperators(db, wakeUps);
    print("All operators are signed out.");
  });
}

/** Does work on the site's database, which may be that of a running site. */
export async function withSite(config: Config, work: (site: ModeratedSite) => Promise<void>): Promise<void> {
  const database = await openDatabase(config, { mayJoin: true });
  try {
    const { schema } = config;
    await migrate(database.url, (line) => process.stderr.write(`${line}\n`), schema);
    const db = connect(database.url, { poolMax: 2, schema });
    await work({ db, wakeUps: ofSchema(postgresWakeUps(db, database.url), schema) }).finally(() => db.destroy());
  } finally {
    await database.stop();
  }
}

/** Returns the target of a command. A mistyped one would hit nobody, and say that it is done. */
export function readTarget(targets: AdminTarget[]): AdminTarget {
  const [target, another] = targets;
  if (target === undefined || another !== undefined)
    throw new StartError("Name one of --member, --trip and --network; chattera people lists them.");
  const { kind, value } = target;
  if (!targetRequest.safeParse({ [kind]: value }).success)
    throw new StartError(`--${kind} is ${value}, which is no ${kind} of this site: chattera people lists them.`);
  return target;
}

/**
 * Returns the address of the site, to which a path can be added. Throws a StartError for what is
 * none.
 */
export function addressOf({ port, basePath }: Config, url = `http://localhost:${port}${basePath}`): string {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new StartError("--url must be the address of the site, like https://chat.example.org.");
  return url.replace(/\/+$/, "");
}

/** Returns the room of a name. Throws a StartError if there is none. */
export async function roomNamed(db: Knex, name: string): Promise<ModeratedRoom> {
  const slug = readSlug(name);
  const [room] = slug === undefined ? [] : await findRooms(db, [slug]);
  if (room === undefined) throw new StartError(`There is no room ${name}: chattera rooms lists them.`);
  return room;
}

/** Prints a line. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
