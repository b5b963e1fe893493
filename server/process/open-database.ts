import { joinEmbedded } from "../../db/embedded/join.ts";
import { defaultDataDir, type EmbeddedDatabase, startEmbedded } from "../../db/embedded/start.ts";
import { ownerOf } from "../../db/embedded/user.ts";
import { assertReachable } from "../../db/pool/check-database.ts";
import { StartError } from "../../db/start-error.ts";
import type { Config } from "../config.ts";
import { endAtSignal } from "./end-signal.ts";

/**
 * Opens the database of the settings. A command that `mayJoin` uses the embedded database of a
 * chattera that runs, and otherwise starts it as the user that owns it.
 */
export async function openDatabase(config: Config, { mayJoin = false } = {}): Promise<EmbeddedDatabase> {
  endAtSignal();
  const { databaseUrl, dataDir } = config;
  if (databaseUrl !== undefined) {
    await assertReachable(databaseUrl);
    return { url: databaseUrl, stop: async () => undefined };
  }
  const folder = dataDir === undefined ? {} : { dataDir };
  const starting = startEmbedded({
    ...folder,
    report: print,
    // Each worker has its pool, and their primary a listener; ten more are for the operator.
    settings: { max_connections: String(Math.max(60, config.workers * config.poolMax + 11)) },
    systemUser: mayJoin ? await userOf(config) : configuredUser(config),
  });
  return starting.catch(async (error) => {
    if (!mayJoin || !(error instanceof StartError) || !error.inUse) throw error;
    return { url: await joinEmbedded(folder), stop: async () => undefined };
  });
}

/** Runs `work` on the database, for a command that ends. */
export async function useDatabase<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  const database = await openDatabase(config, { mayJoin: true });
  try {
    return await work(database.url);
  } finally {
    await database.stop();
  }
}

/**
 * Returns the user that PostgreSQL runs as if this process is root: the owner of data that exists.
 */
export async function userOf(config: Config): Promise<{ uid: number; gid: number }> {
  return (await ownerOf(config.dataDir ?? defaultDataDir())) ?? configuredUser(config);
}

function configuredUser({ postgresUid, postgresGid = postgresUid }: Config): { uid: number; gid: number } {
  return { uid: postgresUid, gid: postgresGid };
}

/** Prints a line for the operator. */
export function print(line: string): void {
  process.stderr.write(`${line}\n`);
}
