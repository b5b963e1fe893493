import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Knex } from "knex";
import { connect } from "../db/connect.ts";
import { startEmbedded } from "../db/embedded.ts";
import { append, type Draft, findSent, readBefore, readSince } from "../db/events.ts";
import { migrate } from "../db/migrate.ts";
import { pruneSlice } from "../db/prune.ts";
import { readBounds } from "../db/rooms.ts";
import { Histogram } from "./histogram.ts";

/**
 * Does a long log slow the newest page? Fills an embedded PostgreSQL with so many millions of events of one year, in
 * 2000 rooms of which twenty have most, and times what the site asks of it.
 *
 *     npx tsx bench/years.ts [millions 1 10 …]
 */
const ROOMS = 2000;
const BUSY_ROOMS = 20;
const CALLS = 300;
const ann = { id: "ann", nickname: "Ann", color: "#b3261e" };

const folder = await mkdtemp(join(tmpdir(), "chattera-years-"));
await chmod(folder, 0o755); // for root's PostgreSQL, which runs as somebody else
const database = await startEmbedded({ dataDir: join(folder, "data"), say: () => undefined });
const db = connect(database.url, { patienceMs: 60 * 60_000 });
try {
  await migrate(database.url);
  await makeRooms();
  let millions = 0;
  for (const wanted of process.argv.slice(2).map(Number)) {
    await fill(millions * 1e6, wanted * 1e6);
    millions = wanted;
    process.stdout.write(`${JSON.stringify({ millions, ...(await sizes()), ...(await timesOf(db)) })}\n`);
  }
} finally {
  await db.destroy();
  await database.stop();
  await rm(folder, { recursive: true, force: true });
}

async function makeRooms(): Promise<void> {
  await db.raw("insert into rooms (slug, title) select 'room-' || n, 'room' from generate_series(1, ?) n", [ROOMS - 1]);
  await db.raw(
    "insert into members (room_id, member_id, nickname, color, look) select id, ?, 'Ann', '#b3261e', 'ann' from rooms",
    [ann.id],
  );
}

/** Six of ten events are the busy rooms'. Written without indexes, which are made behind it. */
async function fill(from: number, to: number): Promise<void> {
  await db.raw("alter table events drop constraint events_pkey; drop index events_client_id;");
  await db.raw(
    `insert into events (room_id, seq, kind, member_id, nickname, color, text, client_id, at)
     select room_id, last_seq + row_number() over (partition by room_id order by n), 'message', 'm' || n % 5000,
       'nickname', '#b3261e', repeat('remark ', (4 + n % 10)::int), md5(n::text), now() - interval '1 year' * (1 - n / ?::float8)
     from (
       select n, case when n % 10 < 6 then 1 + n / 10 % ${BUSY_ROOMS} else 1 + n / 10 % ${ROOMS} end::int as room_id
       from generate_series(?::bigint, ?::bigint) n
     ) g join rooms on rooms.id = g.room_id`,
    [to, from + 1, to],
  );
  await db.raw(
    `set maintenance_work_mem = '512MB'; alter table events add primary key (room_id, seq);
     create unique index events_client_id on events (member_id, client_id) where client_id is not null; analyze events;
     update rooms set last_seq = coalesce((select max(seq) from events where room_id = rooms.id), 0);`,
  );
}

async function sizes(): Promise<{ tableMb: number; indexMb: number }> {
  const { rows } = await db.raw(
    "select pg_table_size('events') / 1048576 as table, pg_indexes_size('events') / 1048576 as indexes",
  );
  return { tableMb: Number(rows[0].table), indexMb: Number(rows[0].indexes) };
}

async function timesOf(log: Knex): Promise<{ [what: string]: string }> {
  const anyRoom = () => 1 + Math.floor(Math.random() * (Math.random() < 0.6 ? BUSY_ROOMS : ROOMS));
  const draft = (key: string): Draft => ({
    roomId: anyRoom(),
    kind: "message",
    member: ann,
    text: "a remark",
    clientId: key,
  });
  const run = `${Date.now()}`;
  return {
    newestPage: await time(() => readBefore(log, anyRoom(), Number.MAX_SAFE_INTEGER, 50)),
    bounds: await time(() => readBounds(log, anyRoom())),
    readSince: await time(async () => readSince(log, new Map([[anyRoom(), 100]]), 20)),
    append1: await time((n) => append(log, [draft(`${run}-one-${n}`)])),
    append50: await time((n) =>
      append(
        log,
        Array.from({ length: 50 }, (_, k) => draft(`${run}-${n}-${k}`)),
      ),
    ),
    findSent: await time(() => findSent(log, "m7", "00000000000000000000000000000000")),
    pruneSlice: await time(() => pruneSlice(log, 360), 20),
  };
}

/** Median and 99th percentile in ms. */
async function time(work: (n: number) => Promise<unknown>, calls = CALLS): Promise<string> {
  const times = new Histogram();
  for (let n = 0; n < calls; n += 1) {
    const startedAt = performance.now();
    await work(n);
    times.add(performance.now() - startedAt);
  }
  return `${times.at(0.5)} / ${times.at(0.99)}`;
}
