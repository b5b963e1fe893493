import cluster, { type Worker } from "node:cluster";
import { BY_PRIMARY, shareListener } from "../bus/shared-listener.ts";
import type { Environment } from "../config.ts";
import { createLog } from "../log.ts";
import { tryPort, urlOf } from "./serve.ts";
import { shareMetrics } from "./shared-metrics.ts";

/** Nodes in child processes that share the port. */
export type Workers = { url: string; stop(): Promise<void> };

/** A worker that dies is replaced after this long, so that one that cannot start does not spin. */
const REPLACE_MS = 1_000;

/** Starts WORKERS nodes on one database and keeps that many alive. Resolves when the first serves; throws if none can. */
export async function runWorkers(environment: Environment, databaseUrl: string): Promise<Workers> {
  await tryPort(environment);
  let isStopping = false;
  const logger = createLog(environment.LOG_LEVEL);
  const sharing = shareListener(environment.CHATTERA_LISTEN_URL ?? databaseUrl);
  shareMetrics();
  // what is said to one that has just died; that it has is told by its exit
  cluster.on("fork", (worker) => worker.on("error", () => undefined));
  const fork = () => cluster.fork({ DATABASE_URL: databaseUrl, CHATTERA_LISTEN_URL: BY_PRIMARY });
  const port = await portOf(fork());
  cluster.on("exit", (worker, code, signal) => {
    if (isStopping || worker.exitedAfterDisconnect) return;
    logger.warn({ worker: worker.process.pid, code, signal }, "worker ended, starting another");
    // not unref'd: where all died at once nothing else keeps this process
    setTimeout(() => isStopping || fork(), REPLACE_MS);
  });
  for (let n = 1; n < environment.WORKERS; n += 1) fork();
  return { url: urlOf(environment, port), stop };

  async function stop(): Promise<void> {
    isStopping = true;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    await Promise.all(workers.map(stopWorker));
    await sharing.stop();
  }
}

function portOf(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once("listening", (address) => resolve(address.port));
    worker.once("exit", (code) => reject(new Error(`a worker ended with ${code} before it served`)));
  });
}

function stopWorker(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    if (worker.isDead()) return resolve();
    worker.once("exit", () => resolve());
    worker.process.kill("SIGTERM");
  });
}
