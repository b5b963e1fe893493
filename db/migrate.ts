import type { Knex } from "knex";
import { applyFunctions, forgetFunctions, readFunctions } from "./functions.ts";
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
import { assertUsable } from "./pool/check-database.ts";
import { connect } from "./pool/connect.ts";
import { execute, rowsOf } from "./pool/statement.ts";
import { StartError } from "./start-error.ts";

/** Timeout of a statement of a migration, and of the nodes that wait for it. Others have 5 s. */
const TIMEOUT_MS = 30 * 60_000;

/**
 * Brings the schema of the database at `url` up to date: first the tables, by the numbered
 * migrations, then the functions, from db/sql. Any number of nodes may call this at once. knex lets
 * one of them work, and the advisory lock makes the others wait for it instead of failing. Throws a
 * StartError if the database cannot be used.
 */
export async function migrate(url: string): Promise<void> {
  const db = connect(url, { poolMax: 2, timeoutMs: TIMEOUT_MS });
  try {
    await assertUsable(db);
    await migrateLocked(db);
  } finally {
    await db.destroy();
  }
}

async function migrateLocked(db: Knex): Promise<void> {
  await db.transaction(async (lock) => {
    await execute(lock, "select pg_advisory_xact_lock(?)", [MIGRATION_LOCK]);
    // This transaction is idle while the migrations run on another connection; see connect.ts.
    await execute(lock, "set local idle_in_transaction_session_timeout = 0");
    await refuseNewer(db);
    await db.migrate.latest({ migrationSource });
    await applyFunctions(lock, await readFunctions());
  });
}

/** Without this, knex would report that its own folder is corrupt. */
async function refuseNewer(db: Knex): Promise<void> {
  const [completed]: [{ name: string }[]] = await db.migrate.list({
    migrationSource,
    disableMigrationsListValidation: true,
  });
  const newer = completed.find(({ name }) => !(name in migrations));
  if (newer)
    throw new StartError(
      `This database was migrated by a newer chattera (${newer.name}): start that one, or restore a backup from before.`,
    );
}

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
};
