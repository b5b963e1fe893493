import { randomBytes } from "node:crypto";
import type { Knex } from "knex";

/**
 * Identifies the log: `epoch` is in every cursor, `secret` signs sessions on every node. Tokens carry their issue time
 * since `upgradedAt` (ms since 1970).
 */
export type Log = { epoch: string; secret: string; upgradedAt: number };

/**
 * Reads which log this database holds. A restored, copied or promoted database gets a new epoch, so that cursors of
 * the old one are answered with a reset and never taken for places in this one.
 */
export async function openLog(db: Knex): Promise<Log> {
  const fingerprint = await fingerprintOf(db);
  // asked every few seconds: only a new log is written, for even an update that changes nothing is a commit on the disk
  const known = await readLog(db, fingerprint);
  if (known) return known;
  await db.raw(
    `insert into log (epoch, fingerprint, secret) values (?, ?, ?)
     on conflict (single) do update set epoch = excluded.epoch, fingerprint = excluded.fingerprint
     where log.fingerprint <> excluded.fingerprint`,
    [newEpoch(), fingerprint, randomBytes(32).toString("base64url")],
  );
  return (await readLog(db, fingerprint)) as Log;
}

async function readLog(db: Knex, fingerprint: string): Promise<Log | undefined> {
  const { rows } = await db.raw(
    `select epoch, secret, (extract(epoch from upgraded_at) * 1000)::bigint as "upgradedAt"
     from log where fingerprint = ?`,
    [fingerprint],
  );
  return rows[0];
}

/** Settings that lose acknowledged messages when the machine or the server falls: those found off, by name. */
export async function unsafeSettings(db: Knex): Promise<string[]> {
  const { rows } = await db.raw(
    `select name from pg_settings
     where name in ('fsync', 'synchronous_commit', 'full_page_writes') and setting = 'off' order by name`,
  );
  return rows.map((row: { name: string }) => row.name);
}

/**
 * Where the log lives: the cluster (initdb), its timeline (a promoted replica or a recovery to a point in time starts
 * a new one), the database (a dump restored beside it, a copy by template) and the table (a dump restored into it).
 *
 * The timeline is read from the place of the next write: pg_control_checkpoint() tells the old one until the first
 * checkpoint after a promotion has ended, and the replica answers for all that time.
 */
async function fingerprintOf(db: Knex): Promise<string> {
  const { rows } = await db.raw(`
    select concat_ws('.', s.system_identifier, t.timeline, d.oid, 'events'::regclass::oid) as fingerprint
    from pg_control_system() s, pg_database d,
      (select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint as timeline) t
    where d.datname = current_database()`);
  return rows[0].fingerprint;
}

/** 36⁶ = 2 × 10⁹ of them: two logs of one site meet by chance about never, and six letters cost little in a cursor. */
function newEpoch(): string {
  return (randomBytes(6).readUIntBE(0, 6) % 36 ** 6).toString(36).padStart(6, "0");
}
