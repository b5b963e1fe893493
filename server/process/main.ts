import { migrate } from "../../db/migrate.ts";
import { assertReachable } from "../../db/pool/check-database.ts";
import { connect } from "../../db/pool/connect.ts";
import { StartError } from "../../db/start-error.ts";
import type { Config, NodeConfig } from "../config.ts";
import { createLog } from "../log.ts";
import { pruneAll } from "../upkeep/pruning.ts";
import { endSignal } from "./end-signal.ts";
import { checkPort } from "./listen.ts";
import { openDatabase, print } from "./open-database.ts";
import { openFilesLimit, warningOfFewFiles } from "./open-files.ts";
import { serve } from "./serve.ts";
import { runWorkers } from "./workers.ts";

/** How a process was started. */
export type Launch = {
  /** By npm or npx, whose shell dies of a signal without passing it on. */
  isUnderNpm: boolean;
  /** As a worker of another process of chattera, which has the database. */
  isWorker: boolean;
};

/**
 * Runs chattera until SIGTERM or SIGINT: starts the database, then the nodes, and stops them in
 * reverse. The embedded database belongs to this process. With several workers the nodes are child
 * processes that get its URL.
 */
export async function main(config: Config, launch: Launch): Promise<void> {
  if (launch.isWorker) {
    await untilStopped(await serve(config as NodeConfig, launch), launch);
    return;
  }
  warnOfFewFiles(config);
  // A port that is taken must not cost a new database first.
  await checkPort(config);
  const database = await openDatabase(config);
  const node = { ...config, database: database.url };
  try {
    const { listenUrl, busUrl } = config;
    if (listenUrl !== undefined && busUrl === undefined) await assertReachable(listenUrl, "CHATTERA_LISTEN_URL");
    const serving = config.workers === 1 ? serve(node, launch) : runWorkers(node);
    await untilStopped(await announced(serving), launch);
  } finally {
    await database.stop();
  }
}

/** Brings the schema up to date: `chattera migrate`. */
export async function migrateOnly(config: Config): Promise<void> {
  const database = await openDatabase(config);
  try {
    await migrate(database.url, print, config.schema);
  } finally {
    await database.stop();
  }
}

/**
 * Deletes the messages that are older than CHATTERA_KEEP_DAYS: `chattera prune`. Throws where that
 * is not set.
 */
export async function pruneOnly(config: Config): Promise<void> {
  const days = config.historyDays;
  if (days === undefined)
    throw new StartError("The number of days to keep is missing: add --days 365, or set CHATTERA_KEEP_DAYS.");
  const database = await openDatabase(config, { mayJoin: true });
  try {
    await migrate(database.url, print, config.schema);
    const db = connect(database.url, { poolMax: 2, schema: config.schema });
    const { events, isDone } = await pruneAll(db, days).finally(() => db.destroy());
    const more = isDone ? "" : " Another chattera is deleting the rest.";
    process.stdout.write(`${events} events were older than ${days} days and are deleted.${more}\n`);
  } finally {
    await database.stop();
  }
}

/** Warns once, before the nodes start: as children they have the same limit. */
function warnOfFewFiles(config: Config): void {
  const limit = openFilesLimit();
  const warning = limit === undefined ? undefined : warningOfFewFiles(limit, config);
  if (warning !== undefined) createLog(config.logLevel).warn(warning);
}

async function announced<T extends { url: string }>(serving: Promise<T>): Promise<T> {
  const node = await serving;
  print(`chattera is at ${node.url}`);
  return node;
}

/** Waits for the signal to end, and stops. */
async function untilStopped(node: { stop(): Promise<void> }, { isUnderNpm }: Launch): Promise<void> {
  await endSignal({ followsParent: isUnderNpm });
  await node.stop();
}
