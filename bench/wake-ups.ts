import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Knex } from "knex";
import { startEmbedded } from "../db/embedded/start.ts";
import { append, type Draft } from "../db/log/append.ts";
import { postgresWakeUps, WAKE_UP_CHANNEL, type WakeUps } from "../db/log/wake-ups.ts";
import { migrate } from "../db/migrate.ts";
import { connect } from "../db/pool/connect.ts";
import { natsWakeUps } from "../server/bus/nats.ts";
import { openNats } from "../test/support/nats.ts";
import { cpuBetween, usageOf } from "./usage.ts";

/**
 * Measures the cost of waking nodes: four append as fast as they can, each to rooms of its own,
 * while others listen by LISTEN/NOTIFY or by NATS. Prints appends a second and the database's CPU
 * for each.
 *
 *     npx tsx bench/wake-ups.ts
 */
const WRITERS = 4;
const ROOMS = 100;
const BATCH = 8;
const MS = 5_000;
const LISTENERS = [1, 4, 16, 64];
const ann = { id: "ann", nickname: "Ann", color: "#b3261e" };

const folder = await mkdtemp(join(tmpdir(), "chattera-wake-ups-"));
await chmod(folder, 0o755); // For root's PostgreSQL, which runs as somebody else
const settings = { max_connections: "200" };
const database = await startEmbedded({ dataDir: join(folder, "data"), report: () => undefined, settings });
const nats = await openNats();
try {
  await migrate(database.url);
  await makeRooms();
  for (const listeners of LISTENERS)
    for (const isNats of [false, true]) process.stdout.write(`${JSON.stringify(await measure(listeners, isNats))}\n`);
} finally {
  await nats.close();
  await database.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);

async function makeRooms(): Promise<void> {
  const db = connect(database.url);
  await db.raw("insert into rooms (slug, title) select 'room-' || n, 'room' from generate_series(2, ?) n", [ROOMS]);
  await db.raw(
    `insert into members (room_id, member_id, nickname, color, look)
     select id, 'ann', 'Ann', '#b3261e', 'ann' from rooms`,
  );
  await db.destroy();
}

async function measure(listeners: number, isNats: boolean) {
  const pools = Array.from({ length: WRITERS }, () => connect(database.url, { poolMax: 2 }));
  const carriers = pools.map((db) => (isNats ? natsWakeUps(nats.url, "bench") : postgresWakeUps(db, database.url)));
  let heard = 0;
  const onNotification = () => {
    heard += 1;
  };
  const open = Array.from({ length: listeners }, (_, n) =>
    (carriers[n % WRITERS] as WakeUps).listen([WAKE_UP_CHANNEL], onNotification, () => undefined),
  );
  const listening = await Promise.all(open);
  const before = usageOf([process.pid]);
  const startedAt = performance.now();
  const counts = await Promise.all(pools.map((db, writer) => appendFor(db, writer, carriers[writer] as WakeUps)));
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = cpuBetween(before, usageOf([process.pid])).database;
  for (const one of listening) await one.close();
  for (const db of pools) await db.destroy();
  const appends = counts.reduce((sum, count) => sum + count, 0);
  return {
    listeners,
    by: isNats ? "NATS" : "NOTIFY",
    appendsASecond: Math.round(appends / seconds),
    databaseUsAnAppend: Math.round((cpu / appends) * 1e6),
    heardAnAppend: Number((heard / appends).toFixed(1)),
  };
}

async function appendFor(db: Knex, writer: number, wakeUps: WakeUps): Promise<number> {
  let count = 0;
  for (const endsAt = performance.now() + MS; performance.now() < endsAt; count += 1)
    await append(
      db,
      Array.from({ length: BATCH }, (_, n) => draft(writer, `${process.hrtime.bigint()}-${writer}-${n}`)),
      wakeUps,
    );
  return count;
}

function draft(writer: number, clientId: string): Draft {
  const roomId = 1 + writer + WRITERS * Math.floor(Math.random() * (ROOMS / WRITERS));
  return { roomId, kind: "message", member: ann, text: "a message".padEnd(100, "x"), clientId };
}
