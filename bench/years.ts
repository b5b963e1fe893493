import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "../db/embedded/start.ts";
import { append, type Draft } from "../db/log/append.ts";
import { pruneSlice } from "../db/log/prune.ts";
import { findSent, readSince, readTalk } from "../db/log/read.ts";
import { readBounds } from "../db/log/rooms.ts";
import { migrate } from "../db/migrate.ts";
import { connect } from "../db/pool/connect.ts";

/**
 * Measures whether a long log slows the newest page. For each number of rows: fills an embedded
 * PostgreSQL with that many events of one year, times the queries of the site, and prunes. Prints
 * one table row; every cell is the median and the 99th percentile of CALLS calls, in ms.
 *
 *     npx tsx bench/years.ts [rows 10000 1000000 …]
 */
const ROOMS = 2_000;
/** So many of them have six of ten rows. */
const BUSY_ROOMS = 20;
/** Nicknames over the year, and those who speak while it is measured. */
const MEMBERS = 20_000;
const SPEAKERS = 1_000;
const CALLS = 300;
/** Half of the year is pruned, or as much of it as CALLS slices take: the busy rooms' first. */
const KEEP_DAYS = 182;

type Speaker = { room_id: number; member_id: string };

const folder = await mkdtemp(join(tmpdir(), "chattera-years-"));
await chmod(folder, 0o755); // For root's PostgreSQL, which runs as somebody else
const database = await startEmbedded({ dataDir: join(folder, "data"), report: () => undefined });
const db = connect(database.url, { poolMax: 2, timeoutMs: 60 * 60_000 });
try {
  await migrate(database.url);
  await db.raw("insert into rooms (slug, title) select 'room-' || n, 'room' from generate_series(2, ?::int) n", [
    ROOMS,
  ]);
  const columns = "rows|table MB|keys MB|newest page|since|bounds|append 1|append 50|client id|slice|slice of|";
  const pruned = "then newest page|oldest page|bounds|first unaided|unaided again";
  process.stdout.write(`| ${`${columns}${pruned}`.replaceAll("|", " | ")} |\n${"|---".repeat(16)}|\n`);
  for (const rows of process.argv.slice(2).map(Number)) {
    const startedAt = performance.now();
    await fill(rows);
    process.stderr.write(`${rows} rows filled in ${Math.round((performance.now() - startedAt) / 1000)} s\n`);
    const cells = [rows, ...(await sizes()), ...(await timesOfAll()), ...(await timesOfPruned())];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
} finally {
  await db.destroy();
  await database.stop();
  await rm(folder, { recursive: true, force: true });
}

/**
 * The rows in order of time, the indexes behind them: in one transaction with the truncate it
 * writes no WAL.
 */
async function fill(rows: number): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.raw("set local idle_in_transaction_session_timeout = 0; set local maintenance_work_mem = '1GB'");
    await tx.raw(
      "truncate events, members; drop index events_client_id; alter table events drop constraint events_pkey",
    );
    for (let from = 0; from < rows; from += 1_000_000)
      await tx.raw(insertRows(), { from, to: Math.min(rows, from + 1_000_000) - 1, rows });
    await tx.raw("alter table events add primary key (room_id, seq)");
    await tx.raw("create unique index events_client_id on events (member_id, client_id) where client_id is not null");
    await tx.raw(
      `update rooms set pruned_seq = 0, last_seq = coalesce((select max(seq) from events where room_id = rooms.id), 0)`,
    );
    await tx.raw(
      `insert into members (room_id, member_id, nickname, color, look)
       select 1 + n % ${BUSY_ROOMS}, md5(n::text)::uuid::text, 'Nickname ' || n, '#0b57d0', 'look ' || n
       from generate_series(1, ${SPEAKERS}) n`,
    );
  });
  for (const table of ["events", "rooms", "members"]) await db.raw(`vacuum (analyze) ${table}`);
}

/**
 * A room's events lie as far apart as they do when all rooms talk at once; ids as browsers make
 * them, the first letters being the time; texts of 30 to 100 bytes.
 */
function insertRows(): string {
  return `
    insert into events (room_id, seq, kind, member_id, nickname, color, text, client_id, at)
    select room_id, seq, 'message', md5(member::text)::uuid::text, 'Nickname ' || member, '#0b57d0',
      left(repeat(hash, 4), 30 + (n * 7919 % 71)::int),
      substr(to_hex((extract(epoch from at) * 1000)::bigint), 3) || '-' || left(hash, 12), at
    from (
      select n, md5(n::text) as hash, 1 + n * 7907 % ${MEMBERS} as member,
        now() - interval '365 days' * (1 - n / :rows::float8) as at,
        1 + case when n % 10 < 6 then (n / 10 * 6 + n % 10) % ${BUSY_ROOMS}
          else ${BUSY_ROOMS} + (n / 10 * 4 + n % 10 - 6) % ${ROOMS - BUSY_ROOMS} end as room_id,
        1 + case when n % 10 < 6 then (n / 10 * 6 + n % 10) / ${BUSY_ROOMS}
          else (n / 10 * 4 + n % 10 - 6) / ${ROOMS - BUSY_ROOMS} end as seq
      from generate_series(:from::bigint, :to::bigint) n
    ) r`;
}

async function sizes(): Promise<number[]> {
  const { rows } = await db.raw(
    "select pg_table_size('events') / 1000000 as table, pg_indexes_size('events') / 1000000 as keys",
  );
  return [rows[0].table, rows[0].keys];
}

/** Each call has what it needs to know read before it is timed. */
async function timesOfAll(): Promise<string[]> {
  const speakers: Speaker[] = await db("members").select("room_id", "member_id");
  const speaker = () => speakers[Math.floor(Math.random() * SPEAKERS)] as Speaker;
  const fifty = () => {
    const { room_id } = speaker();
    return speakers.filter((one) => one.room_id === room_id).map(draftOf);
  };
  return [
    ...(await timesOfReading()),
    await time(async () => [draftOf(speaker())], append.bind(undefined, db)),
    await time(async () => fifty(), append.bind(undefined, db)),
    await time(sent, ({ member_id, client_id }) => findSent(db, member_id, client_id)),
  ];
}

async function timesOfReading(): Promise<string[]> {
  return [
    await time(somePlace, ({ roomId, head }) => readTalk(db, { roomId, before: head + 1, messages: 50 })),
    await time(somePlace, ({ roomId, head }) => readSince(db, new Map([[roomId, head - 5]]), 200)),
    await time(somePlace, ({ roomId }) => readBounds(db, roomId)),
  ];
}

/**
 * Prunes, and looks at the room that lost most; its dead index entries are there until the next
 * vacuum.
 */
async function timesOfPruned(): Promise<string[]> {
  let events = 0;
  const slice = await time(somePlace, async () => {
    events += (await pruneSlice(db, KEEP_DAYS)) ?? 0;
  });
  const [newestPage] = await timesOfReading();
  const { id, pruned_seq } = await db("rooms").orderBy("pruned_seq", "desc").first("id", "pruned_seq");
  const unaided = async () => db.raw("select min(seq) from events where room_id = ?", [id]);
  return [
    slice,
    String(Math.round(events / CALLS)),
    newestPage as string,
    await time(somePlace, () => readTalk(db, { roomId: id, before: pruned_seq + 10, messages: 50 })),
    await time(somePlace, () => readBounds(db, id)),
    await time(somePlace, unaided, 1),
    await time(somePlace, unaided),
  ];
}

async function somePlace(): Promise<{ roomId: number; head: number }> {
  const isBusy = Math.random() < 0.6;
  const roomId =
    1 + Math.floor(isBusy ? Math.random() * BUSY_ROOMS : BUSY_ROOMS + Math.random() * (ROOMS - BUSY_ROOMS));
  const { last_seq: head } = await db("rooms").where("id", roomId).first("last_seq");
  return { roomId, head };
}

async function sent(): Promise<{ member_id: string; client_id: string }> {
  const { roomId, head } = await somePlace();
  const seq = 1 + Math.floor(Math.random() * head);
  return (await db("events").where({ room_id: roomId, seq }).first("member_id", "client_id")) ?? sent();
}

function draftOf({ room_id, member_id }: Speaker): Draft {
  return {
    roomId: room_id,
    kind: "message",
    member: { id: member_id, nickname: "Nickname", color: "#0b57d0" },
    text: "What a year of talk costs, in sixty characters or so, is this",
    clientId: `${Date.now().toString(16).slice(2)}-${Math.random().toString(36).slice(2, 14)}`,
  };
}

async function time<T>(
  prepare: () => Promise<T>,
  call: (given: T) => Promise<unknown>,
  calls = CALLS,
): Promise<string> {
  const took: number[] = [];
  for (let n = 0; n < calls; n += 1) {
    const given = await prepare();
    const startedAt = performance.now();
    await call(given);
    took.push(performance.now() - startedAt);
  }
  took.sort((a, b) => a - b);
  const at = (share: number) => (took[Math.floor(share * calls)] as number).toPrecision(2);
  return calls === 1 ? at(0) : `${at(0.5)} / ${at(0.99)}`;
}
