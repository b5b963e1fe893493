import cluster from "node:cluster";
import { type EmbeddedDatabase, startEmbedded } from "../../db/embedded/start.ts";
import { migrate } from "../../db/migrate.ts";
import { assertReachable } from "../../db/pool/check-database.ts";
import { connect } from "../../db/pool/connect.ts";
import { StartError } from "../../db/start-error.ts";
import type { Environment } from "../config.ts";
import { createLog } from "../log.ts";
import { pruneAll } from "../upkeep/pruning.ts";
import { endAtSignal, endSignal } from "./end-signal.ts";
import { openFilesLimit, warningOfFewFiles } from "./open-files.ts";
import { serve } from "./serve.ts";
import { runWorkers } from "./workers.ts";

/**
 * Runs chattera until SIGTERM or SIGINT: database, then nodes; stopped in reverse. The embedded database belongs to
 * this process; with WORKERS above 1 the nodes are children that find it in DATABASE_URL.
 */
export async function main(environment: Environment): Promise<void> {
  if (cluster.isWorker) {
    await untilStopped(await serve(environment, environment.DATABASE_URL as string));
    return;
  }
  warnOfFewFiles(environment);
  const database = await openDatabase(environment);
  try {
    const { CHATTERA_LISTEN_URL, BUS_URL } = environment;
    if (CHATTERA_LISTEN_URL && !BUS_URL) await assertReachable(CHATTERA_LISTEN_URL, "CHATTERA_LISTEN_URL");
    if (environment.WORKERS === 1) await untilStopped(await announced(serve(environment, database.url)));
    else await untilStopped(await announced(runWorkers(environment, database.url)));
  } finally {
    await database.stop();
  }
}

/** `chattera migrate`: brings the schema up to date and ends. */
export async function migrateOnly(environment: Environment): Promise<void> {
  const database = await openDatabase(environment);
  try {
    await migrate(database.url);
  } finally {
    await database.stop();
  }
}

/** `chattera prune`: deletes what was said more than CHATTERA_KEEP_DAYS ago, and ends. Throws where that is not set. */
export async function pruneOnly(environment: Environment): Promise<void> {
  const days = environment.CHATTERA_KEEP_DAYS;
  if (days === undefined) throw new StartError("Say how many days are kept: chattera prune --days 365.");
  const database = await openDatabase(environment);
  try {
    await migrate(database.url);
    const db = connect(database.url, { poolMax: 2 });
    const { events, isDone } = await pruneAll(db, days).finally(() => db.destroy());
    const more = isDone ? "" : " Another chattera is at it too, and the rest was left to it.";
    process.stdout.write(`${events} events were older than ${days} days and are deleted.${more}\n`);
  } finally {
    await database.stop();
  }
}

/** Once, before the nodes: as children they have the same limit. */
function warnOfFewFiles(environment: Environment): void {
  const limit = openFilesLimit();
  const warning = limit === undefined ? undefined : warningOfFewFiles(limit, environment);
  if (warning !== undefined) createLog(environment.LOG_LEVEL).warn(warning);
}

async function openDatabase(environment: Environment): Promise<EmbeddedDatabase> {
  endAtSignal();
  if (environment.DATABASE_URL) {
    await assertReachable(environment.DATABASE_URL);
    return { url: environment.DATABASE_URL, stop: async () => undefined };
  }
  return startEmbedded({
    say: (line) => process.stderr.write(`${line}\n`),
    // every worker has its pool, their primary a listener; ten more are for the operator
    settings: { max_connections: String(Math.max(60, environment.WORKERS * environment.CHATTERA_POOL + 11)) },
    ...(environment.DATA_DIR && { dataDir: environment.DATA_DIR }),
  });
}

async function announced<T extends { url: string }>(serving: Promise<T>): Promise<T> {
  const node = await serving;
  process.stderr.write(`chattera is at ${node.url}\n`);
  return node;
}

/** Resolves when the end was told and everything has stopped. */
async function untilStopped(node: { stop(): Promise<void> }): Promise<void> {
  await endSignal();
  await node.stop();
}
