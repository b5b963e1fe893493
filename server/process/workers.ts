import cluster, { type Worker } from "node:cluster";
import { shareListener } from "../bus/shared-listener.ts";
import { environmentOf, type NodeConfig } from "../config.ts";
import { createLog } from "../log.ts";
import { urlOf } from "./listen.ts";
import { shareMetrics } from "./shared-metrics.ts";

/** Nodes in child processes that share the port. */
export type Workers = { url: string; stop(): Promise<void> };

/** The environment variable that has the process number of a worker's primary. */
const PRIMARY = "WORKER_OF";

/**
 * Returns whether this process is a worker of chattera's own. Process managers such as PM2 run
 * programs as workers, too: those find no listener and no database in their primary.
 */
export function isOwnWorker(environment: NodeJS.ProcessEnv): boolean {
  return cluster.isWorker && environment[PRIMARY] === String(process.ppid);
}

/** A worker that dies is replaced after this long, so that one that cannot start does not spin. */
const REPLACE_MS = 1_000;

/**
 * Starts as many nodes on one database as WORKERS says, and replaces those that die. Resolves when
 * the first one serves; throws if none can.
 */
export async function runWorkers(config: NodeConfig): Promise<Workers> {
  let isStopping = false;
  const logger = createLog(config.logLevel);
  const sharing = shareListener(config.listenUrl ?? config.database);
  shareMetrics();
  // A message to a worker that has just died is an error. Its exit reports the death.
  cluster.on("fork", (worker) => worker.on("error", () => undefined));
  const environment = { ...environmentOf({ databaseUrl: config.database as string }), [PRIMARY]: String(process.pid) };
  const fork = () => cluster.fork(environment);
  const port = await portOf(fork());
  cluster.on("exit", (worker, code, signal) => {
    if (isStopping || worker.exitedAfterDisconnect) return;
    logger.warn({ worker: worker.process.pid, code, signal }, "worker ended, starting another");
    // Not unref'd: if all workers died at once, nothing else keeps this process alive.
    setTimeout(() => isStopping || fork(), REPLACE_MS);
  });
  for (let n = 1; n < config.workers; n += 1) fork();
  return { url: urlOf(config, port), stop };

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
