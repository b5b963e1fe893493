import { randomBytes } from "node:crypto";
import type { Knex } from "knex";
import { isDatabaseAway } from "../pool/connect.ts";
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
  const known = await readLog(db);
  const isSame = known !== undefined && isSameFingerprint(known.fingerprint, fingerprint);
  const latest = isSame ? merged(known.fingerprint, fingerprint) : fingerprint;
  if (known?.fingerprint === latest) return identityOf(known);
  const epoch = isSame ? known.epoch : newEpoch();
  await execute(
    db,
    `insert into log (epoch, fingerprint, secret) values (?, ?, ?)
     on conflict (single) do update set epoch = excluded.epoch, fingerprint = excluded.fingerprint
     where log.fingerprint = ?`,
    [epoch, latest, newSecret(), known?.fingerprint ?? ""],
  );
  return identityOf((await readLog(db)) as StoredLog);
}

type StoredLog = LogIdentity & { fingerprint: string };

async function readLog(db: Knex): Promise<StoredLog | undefined> {
  const [log] = await rowsOf<StoredLog>(
    db,
    `select epoch, fingerprint, secret, (extract(epoch from upgraded_at) * 1000)::bigint as "upgradedAt" from log`,
  );
  return log;
}

function identityOf({ epoch, secret, upgradedAt }: StoredLog): LogIdentity {
  return { epoch, secret, upgradedAt };
}

function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/**
 * The part of the log that a node has seen: the seq of the last event that it has read, by room id,
 * and how far the log was on the disk, as a position in PostgreSQL's WAL; `undefined` if that is
 * not known.
 */
export type LogProgress = { heads: ReadonlyMap<number, number>; flushed: string | undefined };

/**
 * Compares the database with the progress that a node has seen. It has gone back if a room lacks
 * events that were read, or if the WAL is shorter than it was: an older copy of the data was put
 * back in the same place, which the fingerprint cannot show. A crash does not shorten what is on
 * the disk. `flushed` is the position now.
 */
export async function compareProgress(
  db: Knex,
  { heads, flushed }: LogProgress,
): Promise<{ hasGoneBack: boolean; flushed: string | undefined }> {
  const isRefused = refusedParts.get(db.client)?.has(FLUSHED.needs);
  const [row] = await rowsOf<{ isBehind: boolean; isShorter: boolean | null; flushed: string | null }>(
    db,
    `with wal as (select ${isRefused ? "null::pg_lsn" : FLUSHED.sql} as flushed)
     select flushed::text as flushed, flushed < ?::pg_lsn as "isShorter", exists (
       select from unnest(?::bigint[], ?::bigint[]) seen (room_id, head) join rooms on id = room_id
       where last_seq < head
     ) as "isBehind" from wal`,
    [flushed ?? null, [...heads.keys()], [...heads.values()]],
  );
  return {
    hasGoneBack: row?.isBehind === true || row?.isShorter === true,
    flushed: row?.flushed ?? undefined,
  };
}

/** Gives the log a new epoch, unless another node has done so since `epoch`. */
export async function renewEpoch(db: Knex, epoch: string): Promise<void> {
  await execute(db, "update log set epoch = ? where epoch = ?", [newEpoch(), epoch]);
}

/**
 * Writes a message and takes it back. Throws if the database stores nothing. On a full disk, a
 * change of a row finds room in its page, so the message is about as long as a page allows it to be
 * without another table for its text.
 */
export async function writeNothing(db: Knex): Promise<void> {
  const tx = await db.transaction();
  try {
    await execute(
      tx,
      `insert into events (room_id, seq, kind, member_id, nickname, color, text, at)
       values (0, -1, 'message', '', '', '', repeat('x', 1900), now())`,
    );
  } finally {
    await tx.rollback();
  }
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
 * Where this log is: the cluster (initdb), its timeline (a promoted replica or a point-in-time
 * recovery starts a new one), the database (a dump restored into another one, a copy by template)
 * and the table (a dump restored into the same database).
 *
 * The timeline is taken from the position of the next write. pg_control_checkpoint() returns the
 * old one until the first checkpoint after a promotion has ended, and the replica serves requests
 * during all that time.
 */
const PARTS = [
  { sql: "(select system_identifier from pg_control_system())", needs: "pg_control_system()" },
  {
    sql: "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint",
    needs: "pg_walfile_name() and pg_current_wal_lsn()",
  },
  { sql: "(select oid from pg_database where datname = current_database())", needs: "pg_database" },
  { sql: "'events'::regclass::oid", needs: "the table of events" },
];

/** How far the log is on the disk. compareProgress() needs it. */
const FLUSHED = { sql: "pg_current_wal_flush_lsn()", needs: "pg_current_wal_flush_lsn()" };

/** Stands for a part that the server does not reveal. */
const UNKNOWN = "unknown";

/** The functions of these that the server of a pool refuses, as some managed servers do. */
const refusedParts = new WeakMap<Knex.Client, Set<string>>();

/**
 * Returns the functions that the server refuses to openLog(). Without them, a restored or promoted
 * copy of the database may go unnoticed.
 */
export function refusedFunctions(db: Knex): string[] {
  return [...(refusedParts.get(db.client) ?? [])];
}

/** Returns the parts as one text, without those that the server refuses. */
async function fingerprintOf(db: Knex): Promise<string> {
  const known = refusedParts.get(db.client) ?? (await findRefused(db));
  try {
    return await partsOf(db, known);
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
  // A permission was revoked meanwhile.
  return partsOf(db, await findRefused(db));
}

/** Asks the server which parts it refuses: each by itself, if it refuses one. */
async function findRefused(db: Knex): Promise<Set<string>> {
  const parts = [...PARTS.slice(0, 2), FLUSHED];
  const refused = new Set<string>();
  if (!(await isGranted(db, parts.map(({ sql }) => sql).join(", "))))
    for (const { sql, needs } of parts) if (!(await isGranted(db, sql))) refused.add(needs);
  refusedParts.set(db.client, refused);
  return refused;
}

/** Asks in a transaction of its own: a refusal would end that of a restore. */
async function isGranted(db: Knex, parts: string): Promise<boolean> {
  try {
    await db.transaction((tx) => rowsOf<object>(tx, `select ${parts}`));
    return true;
  } catch (error) {
    if (!isRefused(error)) throw error;
    return false;
  }
}

/** [errcodes] insufficient_privilege, undefined_function, feature_not_supported. */
function isRefused(error: unknown): boolean {
  const { code = "" } = error as { code?: string };
  return ["42501", "42883", "0A000"].includes(code) || !isDatabaseAway(error);
}

async function partsOf(db: Knex, refused: ReadonlySet<string>): Promise<string> {
  const parts = PARTS.map(({ sql, needs }) => (refused.has(needs) ? `'${UNKNOWN}'` : sql));
  const [row] = await rowsOf<{ fingerprint: string }>(db, `select concat_ws('.', ${parts.join(", ")}) as fingerprint`);
  return (row as { fingerprint: string }).fingerprint;
}

/** A part that was or is unknown proves no difference, so it does not start a new epoch. */
function isSameFingerprint(a: string, b: string): boolean {
  const others = b.split(".");
  const parts = a.split(".");
  return (
    parts.length === others.length &&
    parts.every((part, n) => part === others[n] || part === UNKNOWN || others[n] === UNKNOWN)
  );
}

/** Keeps what is known of each part. */
function merged(stored: string, now: string): string {
  const before = stored.split(".");
  return now
    .split(".")
    .map((part, n) => (part === UNKNOWN ? before[n] : part))
    .join(".");
}

/**
 * There are 36⁶ = 2 × 10⁹ epochs, so two logs of one site hardly ever share one, and six letters
 * keep cursors short.
 */
function newEpoch(): string {
  return (randomBytes(6).readUIntBE(0, 6) % 36 ** 6).toString(36).padStart(6, "0");
}
