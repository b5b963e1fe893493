import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect } from "../db/connect.ts";
import { startEmbedded } from "../db/embedded.ts";
import { NEWS_CHANNEL } from "../db/events.ts";
import { listen, notify } from "../db/listen.ts";
import { cpuBetween, usageOf } from "./usage.ts";

/**
 * What hearing costs workers: each listens to the database for itself, or their primary listens and tells them. Prints
 * the CPU of a notification, the database's and that of all Node processes together.
 *
 *     npx tsx bench/listeners.ts
 */
const SECONDS = 8;
const A_SECOND = 500;

if (process.send) await work();
else await measureAll();

async function measureAll(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "chattera-listeners-"));
  await chmod(folder, 0o755); // for root's PostgreSQL, which runs as somebody else
  const database = await startEmbedded({ dataDir: join(folder, "data"), say: () => undefined });
  try {
    for (const workers of [2, 4])
      for (const isShared of [false, true])
        process.stdout.write(`${JSON.stringify(await measure(database.url, workers, isShared))}\n`);
  } finally {
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  }
  process.exit(0);
}

async function measure(url: string, count: number, isShared: boolean) {
  const workers = Array.from({ length: count }, () =>
    fork(fileURLToPath(import.meta.url), isShared ? [] : [url], { execArgv: ["--import", "tsx"] }),
  );
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const tell = (_channel: string, payload: string) => {
    for (const worker of workers) worker.send(payload);
  };
  const listener = isShared ? await listen(url, [NEWS_CHANNEL], tell, () => undefined) : undefined;
  const db = connect(url, { poolMax: 1 });
  const before = usageOf([process.pid]);
  for (let n = 0; n < SECONDS * 100; n += 1) {
    for (let m = 0; m < A_SECOND / 100; m += 1) await notify(db, NEWS_CHANNEL, `${n},${m}`);
    await setTimeout(10);
  }
  const cpu = cpuBetween(before, usageOf([process.pid]));
  const heard = await Promise.all(workers.map(heardBy));
  await listener?.close();
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

async function heardBy(worker: ChildProcess): Promise<number> {
  worker.send("how many?");
  const [times] = await once(worker, "message");
  worker.disconnect();
  return times as number;
}

async function work(): Promise<void> {
  const [url] = process.argv.slice(2);
  let heard = 0;
  const onNews = () => {
    heard += 1;
  };
  const listener = url === undefined ? undefined : await listen(url, [NEWS_CHANNEL], onNews, () => undefined);
  process.on("message", (message) => {
    if (message === "how many?") process.send?.(heard);
    else onNews();
  });
  process.once("disconnect", () => void listener?.close());
  process.send?.("ready");
}
