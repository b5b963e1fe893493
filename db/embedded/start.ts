import { resolve } from "node:path";
import type pg from "pg";
import { chatPassword, chatUrl } from "./chat-url.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import { failureOf } from "./failure.ts";
import { finishUpgrade } from "./finish-upgrade.ts";
import { lockFolder } from "./lock.ts";
import { findPrograms, type Programs, packagedPrograms } from "./programs.ts";
import { runServer } from "./server.ts";
import { type DatabaseUser, databaseUser, makeFolder } from "./user.ts";

/** A running embedded PostgreSQL. `url` is that of its database `chattera`. */
export type EmbeddedDatabase = { url: string; stop(): Promise<void> };

/** Options of startEmbedded(), each with a default. */
export type EmbeddedOptions = {
  /** The folder of the data, created if it is missing. By default defaultDataDir(). */
  dataDir?: string;
  /** Receives lines for the operator. By default they are dropped. */
  report?: (line: string) => void;
  /** Settings of PostgreSQL that override those of settings.ts. */
  settings?: Record<string, string>;
  /** The folder of PostgreSQL's programs. By default that of the npm package. */
  programs?: string;
  /** The user that PostgreSQL runs as if this process is root. By default `nobody`. */
  systemUser?: { uid: number; gid: number };
};

/**
 * Returns the default folder of the data. Other users cannot reach the folders of root, and root
 * has PostgreSQL run as another user.
 */
export function defaultDataDir(): string {
  return process.getuid?.() === 0 ? "/var/lib/chattera" : resolve("data");
}

/**
 * Starts PostgreSQL on a free port of 127.0.0.1. Throws a StartError for a failure that an operator
 * can fix.
 */
export async function startEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const folder = resolve(options.dataDir ?? defaultDataDir());
  const user = databaseUser(options.systemUser);
  const native = options.programs ?? packagedPrograms();
  return withSystemErrorsExplained(folder, async () => {
    await makeFolder(folder, user);
    const unlock = await lockFolder(folder);
    try {
      const programs = await findPrograms(native, folder, user);
      return await runIn({ folder, programs, user, unlock, options });
    } catch (error) {
      await unlock();
      throw error;
    }
  });
}

type LockedFolder = {
  folder: string;
  programs: Programs;
  user: DatabaseUser;
  unlock: () => Promise<void>;
  options: EmbeddedOptions;
};

async function runIn({ folder, programs, user, unlock, options }: LockedFolder): Promise<EmbeddedDatabase> {
  const report = options.report ?? (() => undefined);
  await finishUpgrade(folder);
  const cluster = await openCluster({ folder, programs, user, report });
  const { url, stop } = await runCluster(cluster, { report, settings: options.settings ?? {} });
  let stopped: Promise<void> | undefined;
  return {
    url,
    stop() {
      // Once only: a moment later, the lock may belong to another process.
      stopped ??= stop().then(unlock);
      return stopped;
    },
  };
}

/** Starts the server of a data folder, whose lock the caller has. */
export async function runCluster(
  cluster: Cluster,
  { report, settings = {} }: { report(line: string): void; settings?: Record<string, string> },
): Promise<EmbeddedDatabase> {
  const { password } = cluster;
  const prepared = (superuser: pg.Client) => prepare(superuser, chatPassword(password));
  const server = await runServer({ cluster, settings, report, prepare: prepared });
  return { url: chatUrl(password, server.port), stop: () => server.stop() };
}

/** Errors of the system (EACCES, ENOSPC…) are about the data folder. All others pass unchanged. */
async function withSystemErrorsExplained<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { syscall, message } = error as NodeJS.ErrnoException;
    throw syscall ? failureOf(message, folder, error) : error;
  }
}

/**
 * The chat's role owns its database and nothing more, so an SQL injection could neither read files
 * of the system, nor run programs, nor reach another database. This runs at every start, because
 * earlier versions let the role create databases.
 */
async function prepare(superuser: pg.Client, password: string): Promise<void> {
  const { rowCount: roles } = await superuser.query("select from pg_roles where rolname = 'chattera'");
  if (!roles) await superuser.query(`create role chattera login password '${password}'`);
  await superuser.query("alter role chattera nosuperuser nocreatedb nocreaterole noreplication nobypassrls");
  await superuser.query("revoke connect on database postgres, template1 from public");
  const { rowCount: databases } = await superuser.query("select from pg_database where datname = 'chattera'");
  if (!databases) await superuser.query("create database chattera owner chattera");
}
