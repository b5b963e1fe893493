import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { startEmbedded } from "../db/embedded/start.ts";
import { postgresWakeUps, WAKE_UP_CHANNEL } from "../db/log/wake-ups.ts";
import { connect } from "../db/pool/connect.ts";
import { notify } from "../db/pool/listen.ts";
import { sharedWakeUps, shareListener } from "../server/bus/shared-listener.ts";
import { cpuBetween, usageOf } from "./usage.ts";

/**
 * Measures the cost of notifications for workers: each listens to the database, or their primary
 * listens and notifies them. Prints the CPU of a notification, the database's and that of all Node
 * processes together.
 *
 *     npx tsx bench/listeners.ts
 */
const SECONDS = 8;
const A_SECOND = 500;

if (cluster.isWorker) await work();
else await measureAll();

async function measureAll(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "chattera-listeners-"));
  await chmod(folder, 0o755); // For root's PostgreSQL, which runs as somebody else
  const database = await startEmbedded({ dataDir: join(folder, "data"), report: () => undefined });
  const sharing = shareListener(database.url);
  try {
    for (const workers of [2, 4])
      for (const isShared of [false, true])
        process.stdout.write(`${JSON.stringify(await measure(database.url, workers, isShared))}\n`);
  } finally {
    await sharing.stop();
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  }
  process.exit(0);
}

async function measure(url: string, count: number, isShared: boolean) {
  const env = { URL: url, SHARED: isShared ? "yes" : "" };
  const workers = Array.from({ length: count }, () => cluster.fork(env));
  await Promise.all(workers.map(isListening));
  const db = connect(url, { poolMax: 1 });
  const before = usageOf([process.pid]);
  for (let n = 0; n < SECONDS * 100; n += 1) {
    for (let m = 0; m < A_SECOND / 100; m += 1) await notify(db, WAKE_UP_CHANNEL, `${n},${m}`);
    await setTimeout(10);
  }
  const cpu = cpuBetween(before, usageOf([process.pid]));
  const heard = await Promise.all(workers.map(heardBy));
  await db.destroy();
  const told = SECONDS * A_SECOND;
  const us = (seconds: number) => Math.round((seconds / told) * 1e6);
  return {
    workers: count,
    by: isShared ? "one shared" : "one each",
    nodeUs: us(cpu.server),
    databaseUs: us(cpu.database),
    heard: heard.map((times) => times / told),
  };
}

/** Among its messages to the primary is the one that asks for the shared listener. */
async function isListening(worker: Worker): Promise<void> {
  for (;;) if ((await once(worker, "message"))[0].isReady) return;
}

async function heardBy(worker: Worker): Promise<number> {
  worker.send({ is: "how many?" });
  const [{ heard }] = await once(worker, "message");
  worker.disconnect();
  await once(worker, "exit");
  return heard;
}

async function work(): Promise<void> {
  const url = process.env.URL as string;
  const db = connect(url, { poolMax: 1 });
  const wakeUps = process.env.SHARED ? sharedWakeUps(db) : postgresWakeUps(db, url);
  let heard = 0;
  const onNews = () => {
    heard += 1;
  };
  await wakeUps.listen([WAKE_UP_CHANNEL], onNews, () => undefined);
  process.on("message", (message: { is?: string }) => message.is && process.send?.({ heard }));
  process.send?.({ isReady: true });
  process.once("disconnect", () => process.exit(0));
}
