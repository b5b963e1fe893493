import { setTimeout } from "node:timers/promises";
import type { Knex } from "knex";
import { applyFunctions, areApplied, type Functions, forgetFunctions, readFunctions } from "./functions.ts";
import * as first from "./migrations/20261122000001_rooms_events_members.ts";
import * as appendEvents from "./migrations/20261125000001_append_events.ts";
import * as prunedSeq from "./migrations/20261125000002_pruned_seq.ts";
import * as saidUnderTheNameEntered from "./migrations/20261129000001_said_under_the_name_entered.ts";
import * as roomSkeleton from "./migrations/20261130000001_room_skeleton.ts";
import * as arrivals from "./migrations/20261130000002_arrivals.ts";
import * as boundedRooms from "./migrations/20261130000003_bounded_rooms.ts";
import * as revocations from "./migrations/20261130000010_revocations.ts";
import * as networksOfMembers from "./migrations/20261130000020_networks_of_members.ts";
import * as wideCreators from "./migrations/20261130000021_wide_creators.ts";
import * as roomsByNumber from "./migrations/20261130000030_rooms_by_number.ts";
import * as functions from "./migrations/20261130000040_functions.ts";
import * as messagesOfRooms from "./migrations/20261130000050_messages_of_rooms.ts";
import * as namedWatchers from "./migrations/20261130000060_named_watchers.ts";
import * as roomsOfASite from "./migrations/20261130000080_rooms_of_a_site.ts";
import * as changes from "./migrations/20261130000090_changes.ts";
import * as past from "./migrations/20261130000100_past.ts";
import * as whispers from "./migrations/20261130000110_whispers.ts";
import * as moderation from "./migrations/20261130000130_moderation.ts";
import { assertUsable } from "./pool/check-database.ts";
import { connect } from "./pool/connect.ts";
import { rowsOf } from "./pool/statement.ts";
import { StartError } from "./start-error.ts";

/** Timeout of a statement of a migration. Others have 5 s. */
const TIMEOUT_MS = 30 * 60_000;

/** A node that waits for another one asks again after this time, or up to twice as long. */
const AGAIN_MS = 250;

/**
 * Brings the schema of the database at `url` up to date: first the tables, by the numbered
 * migrations, then the functions, from db/sql. Any number of nodes may call this at once: one
 * works, in one transaction, and the others wait without a connection, of which a pooler may have
 * few. `report` gets a line when the wait begins. Throws a StartError if the database cannot be
 * used.
 */
export async function migrate(url: string, report: (line: string) => void = () => undefined): Promise<void> {
  const db = connect(url, { poolMax: 1, timeoutMs: TIMEOUT_MS });
  try {
    await assertUsable(db);
    const functions = await readFunctions();
    for (let attempt = 1; !(await isUpToDate(db, functions)); attempt++) {
      if (await tryToMigrate(db, functions).catch(explain)) return;
      if (attempt === 1) report("Waiting for another chattera, which is migrating the database.");
      await setTimeout(AGAIN_MS * (1 + Math.random()));
    }
  } finally {
    await db.destroy();
  }
}

/** Returns whether nothing is to be done, which is so at most starts. */
async function isUpToDate(db: Knex, functions: Functions): Promise<boolean> {
  const [table] = await rowsOf<{ exists: boolean }>(db, "select to_regclass('knex_migrations') is not null as exists");
  if (!table?.exists) return false;
  const completed = await rowsOf<{ name: string }>(db, "select name from knex_migrations order by id");
  // Without this, knex would report that its own folder is corrupt.
  const newer = completed.find(({ name }) => !(name in migrations));
  if (newer)
    throw new StartError(
      `This database was migrated by a newer chattera (${newer.name}): start that one, or restore a backup from before.`,
    );
  return completed.length === Object.keys(migrations).length && (await areApplied(db, functions));
}

/** Returns `false` if another node is migrating. */
function tryToMigrate(db: Knex, functions: Functions): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [lock] = await rowsOf<{ isOurs: boolean }>(tx, `select pg_try_advisory_xact_lock(?) as "isOurs"`, [
      MIGRATION_LOCK,
    ]);
    if (!lock?.isOurs) return false;
    if (await isUpToDate(tx, functions)) return true;
    // Under our lock, a lock of knex's own was left by somebody's hand or by a crash.
    await tx.migrate.forceFreeMigrationsLock({ migrationSource });
    await tx.migrate.latest({ migrationSource, disableTransactions: true });
    await applyFunctions(tx, functions);
    return true;
  });
}

/** Throws a StartError that says what to grant, if the database refuses the migration. */
function explain(error: unknown): never {
  const { code = "" } = error as { code?: string };
  const reason = REFUSED[code];
  throw reason === undefined ? error : new StartError(`The database cannot be migrated: ${reason}.`, { cause: error });
}

/** [errcodes] insufficient_privilege, read_only_sql_transaction, invalid_schema_name. */
const REFUSED: { [code: string]: string } = {
  "42501": "its user may not create tables. Make that user the owner of the database, or grant it all on the schema",
  "25006": "it is read-only. Name the primary server, and a user that may write",
  "3F000": "no schema of its user's search_path exists. Create the schema, or reset search_path",
};

/** "chat" in ASCII: a key among the database's advisory locks. */
const MIGRATION_LOCK = 0x63686174;

/**
 * Keeps the functions in step with the tables after `knex migrate:…`: replaces them if all
 * migrations are done, and otherwise has the next migrate() replace them.
 */
export async function afterMigrations(db: Knex): Promise<void> {
  const completed = await rowsOf<{ name: string }>(db, "select name from knex_migrations");
  const isLatest = completed.length === Object.keys(migrations).length;
  await db.transaction(async (tx) => {
    if (isLatest) await applyFunctions(tx, await readFunctions());
    else await forgetFunctions(tx);
  });
}

/**
 * Names have no ending, so that a row in the database means both the source and its compiled file.
 */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: async () => Object.keys(migrations),
  getMigrationName: (name) => name,
  getMigration: async (name) => migrations[name] as Knex.Migration,
};

const migrations: { [name: string]: Knex.Migration } = {
  "20261122000001_rooms_events_members": first,
  "20261125000001_append_events": appendEvents,
  "20261125000002_pruned_seq": prunedSeq,
  "20261129000001_said_under_the_name_entered": saidUnderTheNameEntered,
  "20261130000001_room_skeleton": roomSkeleton,
  "20261130000002_arrivals": arrivals,
  "20261130000003_bounded_rooms": boundedRooms,
  "20261130000010_revocations": revocations,
  "20261130000020_networks_of_members": networksOfMembers,
  "20261130000021_wide_creators": wideCreators,
  "20261130000030_rooms_by_number": roomsByNumber,
  "20261130000040_functions": functions,
  "20261130000050_messages_of_rooms": messagesOfRooms,
  "20261130000060_named_watchers": namedWatchers,
  "20261130000080_rooms_of_a_site": roomsOfASite,
  "20261130000090_changes": changes,
  "20261130000100_past": past,
  "20261130000110_whispers": whispers,
  "20261130000130_moderation": moderation,
};
