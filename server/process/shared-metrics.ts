import cluster, { type Worker } from "node:cluster";
import { on } from "node:events";
import { AggregatorRegistry, type Registry } from "prom-client";
import { refuse } from "../refusal.ts";

/** A message of a worker to its primary: it asks for the sum of all metrics, or sends its own. */
type FromWorker = { wantsMetrics?: true; counts?: object };

/**
 * A message of the primary to a worker: it asks for the worker's metrics, or sends the sum of all;
 * `null` if one of them did not answer.
 */
type FromPrimary = { wantsCounts?: true; metrics?: string | null };

/** A worker has this long to answer. Prometheus gives up a scrape after ten seconds. */
const PATIENCE_MS = 5_000;

/**
 * Answers each worker that asks with the sum of all workers' metrics, so that a scrape returns the
 * whole whichever worker it reaches.
 */
export function shareMetrics(): void {
  const serving = new Set<Worker>();
  let running: Promise<string | null> | undefined;
  cluster.on("listening", (worker) => serving.add(worker));
  cluster.on("disconnect", (worker) => serving.delete(worker));
  cluster.on("message", async (worker, message: FromWorker) => {
    if (!message.wantsMetrics) return;
    running ??= metricsOf([...serving]).finally(() => {
      running = undefined;
    });
    sendToWorker(worker, { metrics: await running });
  });
}

async function metricsOf(workers: Worker[]): Promise<string | null> {
  try {
    const counts = await Promise.all(workers.map(countsOf));
    return await AggregatorRegistry.aggregate(counts.filter((one) => one !== undefined)).metrics();
  } catch {
    return null;
  }
}

/**
 * Returns the metrics of a worker; `undefined` if it has ended, or ends meanwhile. Throws if it
 * takes too long.
 */
async function countsOf(worker: Worker): Promise<object | undefined> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const messages = on(worker, "message", { signal, close: ["disconnect"] }) as AsyncIterable<[FromWorker]>;
  sendToWorker(worker, { wantsCounts: true });
  try {
    for await (const [{ counts }] of messages) if (counts) return counts;
  } catch (error) {
    // Any other error is that of a message to a worker that has just died.
    if (signal.aborted) throw error;
  }
  return undefined;
}

function sendToWorker(worker: Worker, message: FromPrimary): void {
  if (worker.isConnected()) worker.send(message);
}

/**
 * Makes this worker answer its primary's questions for metrics. Returns the function that asks for
 * the sum of all workers, which throws `unavailable` if one of them does not answer.
 */
export function countTogether(registry: Registry): () => Promise<string> {
  let running: Promise<string> | undefined;
  process.on("message", async ({ wantsCounts }: FromPrimary) => {
    if (wantsCounts) sendToPrimary({ counts: await registry.getMetricsAsJSON() });
  });

  return () => {
    running ??= askPrimary().finally(() => {
      running = undefined;
    });
    return running;
  };
}

/** Asks the primary. If it has ended, this process ends too. */
async function askPrimary(): Promise<string> {
  sendToPrimary({ wantsMetrics: true });
  for await (const [{ metrics }] of on(process, "message") as AsyncIterable<[FromPrimary]>) {
    if (metrics) return metrics;
    if (metrics === null) break;
  }
  throw refuse("unavailable", "a worker did not send its metrics");
}

function sendToPrimary(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}
