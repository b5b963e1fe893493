import { setTimeout } from "node:timers/promises";
import type { Knex } from "knex";
import { type DatabaseAddress, DEFAULT_SCHEMA } from "./address.ts";
import { findFormerHome, MIGRATIONS_TABLE, moveFormer } from "./former-schema.ts";
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
import * as reportedWhispers from "./migrations/20261130000150_reported_whispers.ts";
import * as access from "./migrations/20261201000010_access.ts";
import * as webhooks from "./migrations/20261201000030_webhooks.ts";
import * as ownTitles from "./migrations/20261201000040_own_titles.ts";
import * as incomingWebhooks from "./migrations/20261201000060_incoming_webhooks.ts";
import * as erasedNames from "./migrations/20261201000070_erased_names.ts";
import * as namesInParts from "./migrations/20261201000090_names_in_parts.ts";
import * as erasedNotices from "./migrations/20261201000100_erased_notices.ts";
import { assertUsable } from "./pool/check-database.ts";
import { connect } from "./pool/connect.ts";
import { execute, rowsOf } from "./pool/statement.ts";
import { StartError } from "./start-error.ts";

/** Timeout of a statement of a migration. Others have 5 s. */
const TIMEOUT_MS = 30 * 60_000;

/** A node that waits for another one asks again after this time, or up to twice as long. */
const AGAIN_MS = 250;

/**
 * Brings the schema with our tables up to date: first the tables, by the numbered migrations, then
 * the functions, from db/sql. Makes the schema if it is missing, and moves the tables of earlier
 * versions into it. Any number of nodes may call this at once: one works, in one transaction, and
 * the others wait without a connection, of which a pooler may have few. `report` gets a line when
 * the wait begins. Throws a StartError if the database cannot be used.
 */
export async function migrate(
  address: DatabaseAddress,
  report: (line: string) => void = () => undefined,
  schema = DEFAULT_SCHEMA,
): Promise<void> {
  const db = connect(address, { poolMax: 1, timeoutMs: TIMEOUT_MS, schema });
  try {
    await assertUsable(db);
    const target = { schema, functions: await readFunctions() };
    for (let attempt = 1; !(await isUpToDate(db, target)); attempt++) {
      if (await tryToMigrate(db, target).catch((error) => explain(error, schema))) return;
      if (attempt === 1) report("Waiting for another chattera, which is migrating the database.");
      await setTimeout(AGAIN_MS * (1 + Math.random()));
    }
  } finally {
    await db.destroy();
  }
}

/** The schema that has our tables, and the functions that it should have. */
type Target = { schema: string; functions: Functions };

/** Returns whether nothing is to be done, which is so at most starts. */
async function isUpToDate(db: Knex, { schema, functions }: Target): Promise<boolean> {
  const [table] = await rowsOf<{ exists: boolean }>(db, "select to_regclass(?) is not null as exists", [
    `${schema}.${MIGRATIONS_TABLE}`,
  ]);
  if (!table?.exists) return false;
  const completed = await rowsOf<{ name: string }>(db, `select name from ${MIGRATIONS_TABLE} order by id`);
  // Without this, knex would report that its own folder is corrupt.
  const newer = completed.find(({ name }) => !(name in migrations));
  if (newer)
    throw new StartError(
      `This database was migrated by a newer chattera (${newer.name}): start that one, or restore a backup from before.`,
    );
  return completed.length === Object.keys(migrations).length && (await areApplied(db, functions));
}

/**
 * Returns `false` if another node is migrating, or if nodes of an earlier version were in the way.
 */
function tryToMigrate(db: Knex, target: Target): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [lock] = await rowsOf<{ isOurs: boolean }>(tx, `select pg_try_advisory_xact_lock(?) as "isOurs"`, [
      MIGRATION_LOCK,
    ]);
    if (!lock?.isOurs) return false;
    if (await isUpToDate(tx, target)) return true;
    await moveIn(tx, target);
    await migrateTables(tx, KNOWN_MIGRATIONS);
    await applyFunctions(tx, target.functions);
    return true;
  });
}

/** Makes the schema if it is missing, and moves the tables of an earlier version into it. */
async function moveIn(tx: Knex.Transaction, { schema, functions }: Target): Promise<void> {
  const [found] = await rowsOf<{ exists: boolean; hasTables: boolean }>(
    tx,
    `select to_regnamespace(:schema) is not null as exists, to_regclass(:table) is not null as "hasTables"`,
    { schema, table: `${schema}.${MIGRATIONS_TABLE}` },
  );
  if (!found?.exists) await execute(tx, `create schema "${schema}"`);
  const former = found?.hasTables ? undefined : await findFormerHome(tx, Object.keys(migrations));
  if (former) await moveFormer(tx, { former, schema, functions: functions.names });
}

async function migrateTables(tx: Knex.Transaction, names: string[]): Promise<void> {
  const some = { ...MIGRATIONS, migrationSource: { ...migrationSource, getMigrations: async () => names } };
  // Under our lock, a lock of knex's own was left by somebody's hand or by a crash.
  await tx.migrate.forceFreeMigrationsLock(some);
  await tx.migrate.latest({ ...some, disableTransactions: true });
}

/**
 * Prepares a restore within the transaction `tx`: all others that migrate this database wait until
 * it ends, and the schema exists, with the tables of an earlier version if there are any.
 */
export async function openSchema(tx: Knex.Transaction, schema: string): Promise<void> {
  await execute(tx, "select pg_advisory_xact_lock(?)", [MIGRATION_LOCK]);
  await moveIn(tx, { schema, functions: await readFunctions() });
}

/**
 * Makes the tables in an empty schema as these migrations left them. Throws a StartError if this
 * version does not know one of them.
 */
export async function migrateTo(tx: Knex.Transaction, names: string[]): Promise<void> {
  const newer = names.find((name) => !KNOWN_MIGRATIONS.includes(name));
  if (newer)
    throw new StartError(
      `This backup was made by a newer chattera (${newer}): restore it with that version or a newer one.`,
    );
  await migrateTables(
    tx,
    KNOWN_MIGRATIONS.filter((name) => names.includes(name)),
  );
}

/** Brings tables and functions up to date within the transaction `tx`, after openSchema(). */
export async function migrateWithin(tx: Knex.Transaction): Promise<void> {
  await migrateTables(tx, KNOWN_MIGRATIONS);
  await applyFunctions(tx, await readFunctions());
}

/** Throws a StartError that says what to grant, if the database refuses the migration. */
function explain(error: unknown, schema: string): false {
  const { code = "", message } = error as { code?: string; message: string };
  if (code === DEADLOCK) return false;
  const isOfFunction = message.includes("permission denied for function");
  const reason = code === "42501" && !isOfFunction ? notAllowed(schema) : READ_ONLY[code];
  throw reason === undefined ? error : new StartError(`The database cannot be migrated: ${reason}.`, { cause: error });
}

/**
 * [errcodes] deadlock_detected: a node of an earlier version holds locks that the move waits for.
 */
const DEADLOCK = "40P01";

/** [errcodes] insufficient_privilege. */
function notAllowed(schema: string): string {
  return (
    `its user may not create the schema ${schema} or tables in it. Make that user the owner of the database, create the ` +
    "schema for it (create schema … authorization …), or name in CHATTERA_SCHEMA one that it owns"
  );
}

/** [errcodes] read_only_sql_transaction. */
const READ_ONLY: { [code: string]: string } = {
  "25006": "it is read-only. Name the primary server, and a user that may write",
};

/** "chat" in ASCII: a key among the database's advisory locks. */
const MIGRATION_LOCK = 0x63686174;

/**
 * Keeps the functions in step with the tables after `knex migrate:…`: replaces them if all
 * migrations are done, and otherwise has the next migrate() replace them.
 */
export async function afterMigrations(db: Knex): Promise<void> {
  const completed = await rowsOf<{ name: string }>(db, `select name from ${MIGRATIONS_TABLE}`);
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

/** The source of the migrations for knex, and the table of those that are completed. */
const MIGRATIONS = { migrationSource, tableName: MIGRATIONS_TABLE };

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
  "20261130000150_reported_whispers": reportedWhispers,
  "20261201000010_access": access,
  "20261201000030_webhooks": webhooks,
  "20261201000040_own_titles": ownTitles,
  "20261201000060_incoming_webhooks": incomingWebhooks,
  "20261201000070_erased_names": erasedNames,
  "20261201000090_names_in_parts": namesInParts,
  "20261201000100_erased_notices": erasedNotices,
};

/** The names of all migrations, in order. */
export const KNOWN_MIGRATIONS = Object.keys(migrations);
