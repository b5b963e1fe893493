import cluster, { type Worker } from "node:cluster";
import { on } from "node:events";
import { AggregatorRegistry, type Registry } from "prom-client";
import { refuse } from "../refusal.ts";

/**
 * What a worker says to its primary: that it wants to know what all of them count, or what it
 * counts itself.
 */
type Said = { wantsMetrics?: true; counts?: object };

/**
 * What it is told: that it is to say what it counts, or what all do; `null` where one of them did
 * not say.
 */
type Told = { wantsCounts?: true; metrics?: string | null };

/** So long one of them may take; Prometheus gives up a scrape after ten seconds. */
const PATIENCE_MS = 5_000;

/**
 * Tells each worker that asks what all that serve count, so that a scrape is of the whole whichever
 * it meets.
 */
export function shareMetrics(): void {
  const serving = new Set<Worker>();
  let underWay: Promise<string | null> | undefined;
  cluster.on("listening", (worker) => serving.add(worker));
  cluster.on("disconnect", (worker) => serving.delete(worker));
  cluster.on("message", async (worker, said: Said) => {
    if (!said.wantsMetrics) return;
    underWay ??= metricsOf([...serving]).finally(() => {
      underWay = undefined;
    });
    tell(worker, { metrics: await underWay });
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

/** `undefined` of one that has ended, or ends meanwhile. Throws when it takes too long. */
async function countsOf(worker: Worker): Promise<object | undefined> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const said = on(worker, "message", { signal, close: ["disconnect"] }) as AsyncIterable<[Said]>;
  tell(worker, { wantsCounts: true });
  try {
    for await (const [{ counts }] of said) if (counts) return counts;
  } catch (error) {
    // else it was said to one that had just died
    if (signal.aborted) throw error;
  }
  return undefined;
}

function tell(worker: Worker, told: Told): void {
  if (worker.isConnected()) worker.send(told);
}

/**
 * Has this worker say what it counts when its primary asks; gives what tells of all workers. That
 * throws `unavailable` where one of them is silent.
 */
export function countTogether(registry: Registry): () => Promise<string> {
  let underWay: Promise<string> | undefined;
  process.on("message", async ({ wantsCounts }: Told) => {
    if (wantsCounts) say({ counts: await registry.getMetricsAsJSON() });
  });

  return () => {
    underWay ??= askPrimary().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

/** Without a primary this process ends. */
async function askPrimary(): Promise<string> {
  say({ wantsMetrics: true });
  for await (const [{ metrics }] of on(process, "message") as AsyncIterable<[Told]>) {
    if (metrics) return metrics;
    if (metrics === null) break;
  }
  throw refuse("unavailable", "a worker did not say what it counts");
}

function say(said: Said): void {
  if (process.connected) process.send?.(said);
}
