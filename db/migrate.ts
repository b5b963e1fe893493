import type { Knex } from "knex";
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
import { connect } from "./pool/connect.ts";
import { StartError } from "./start-error.ts";

/** A migration of a big log, and the nodes that wait for it, may take this long; every other query has 5 s. */
const PATIENCE_MS = 30 * 60_000;

/**
 * Brings the schema of the database at `url` up to date. Any number of nodes may do so at once: knex lets one work and
 * the advisory lock lets the others wait for it instead of failing.
 */
export async function migrate(url: string): Promise<void> {
  const db = connect(url, { poolMax: 2, timeoutMs: PATIENCE_MS });
  try {
    await migrateLocked(db);
  } finally {
    await db.destroy();
  }
}

async function migrateLocked(db: Knex): Promise<void> {
  await db.transaction(async (lock) => {
    await lock.raw("select pg_advisory_xact_lock(?)", [MIGRATION_LOCK]);
    // it idles while the migrations run on another connection, see abandonAfter() in connect.ts
    await lock.raw("set local idle_in_transaction_session_timeout = 0");
    await refuseNewer(db);
    await db.migrate.latest({ migrationSource });
  });
}

/** knex would call its own folder corrupt. */
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

/** "chat" in ASCII: a key of our own among the database's advisory locks. */
const MIGRATION_LOCK = 0x63686174;

/** Named without an ending, so that the same row in the database stands for the source and the compiled file. */
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
};
