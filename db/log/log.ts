import { randomBytes } from "node:crypto";
import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";

/**
 * Identifies a log. `epoch` is part of every cursor, and `secret` signs the sessions of every node.
 * Tokens issued after `upgradedAt` (ms since 1970) carry their issue time.
 */
export type LogIdentity = { epoch: string; secret: string; upgradedAt: number };

/**
 * Returns the identity of the log in this database. A restored, copied or promoted database gets a
 * new epoch, so that a cursor of the old log gets a reset and is never taken for a position in this
 * one.
 */
export async function openLog(db: Knex): Promise<LogIdentity> {
  const fingerprint = await fingerprintOf(db);
  // This runs every few seconds. Even an update without a change would be a commit on the disk, so
  // only read.
  const known = await readLog(db, fingerprint);
  if (known) return known;
  await execute(
    db,
    `insert into log (epoch, fingerprint, secret) values (?, ?, ?)
     on conflict (single) do update set epoch = excluded.epoch, fingerprint = excluded.fingerprint
     where log.fingerprint <> excluded.fingerprint`,
    [newEpoch(), fingerprint, randomBytes(32).toString("base64url")],
  );
  return (await readLog(db, fingerprint)) as LogIdentity;
}

async function readLog(db: Knex, fingerprint: string): Promise<LogIdentity | undefined> {
  const [log] = await rowsOf<LogIdentity>(
    db,
    `select epoch, secret, (extract(epoch from upgraded_at) * 1000)::bigint as "upgradedAt"
     from log where fingerprint = ?`,
    [fingerprint],
  );
  return log;
}

/**
 * Returns the names of settings that are off and without which a crash can lose acknowledged
 * messages.
 */
export async function unsafeSettings(db: Knex): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(
    db,
    `select name from pg_settings
     where name in ('fsync', 'synchronous_commit', 'full_page_writes') and setting = 'off' order by name`,
  );
  return rows.map((row) => row.name);
}

/**
 * Returns a text that changes with the cluster (initdb), with its timeline (a promoted replica or a
 * point-in-time recovery starts a new one), with the database (a dump restored into another one, a
 * copy by template) and with the table (a dump restored into the same database).
 *
 * The timeline is taken from the position of the next write. pg_control_checkpoint() returns the
 * old one until the first checkpoint after a promotion has ended, and the replica serves requests
 * during all that time.
 */
async function fingerprintOf(db: Knex): Promise<string> {
  const [row] = await rowsOf<{ fingerprint: string }>(
    db,
    `select concat_ws('.', s.system_identifier, t.timeline, d.oid, 'events'::regclass::oid) as fingerprint
    from pg_control_system() s, pg_database d,
      (select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint as timeline) t
    where d.datname = current_database()`,
  );
  return (row as { fingerprint: string }).fingerprint;
}

/**
 * There are 36⁶ = 2 × 10⁹ epochs, so two logs of one site hardly ever share one, and six letters
 * keep cursors short.
 */
function newEpoch(): string {
  return (randomBytes(6).readUIntBE(0, 6) % 36 ** 6).toString(36).padStart(6, "0");
}
