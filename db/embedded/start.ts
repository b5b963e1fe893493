import { createHmac } from "node:crypto";
import { resolve } from "node:path";
import type pg from "pg";
import { openCluster } from "./cluster.ts";
import { failureOf } from "./failure.ts";
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
  const cluster = await openCluster({ folder, programs, user, report });
  const password = chatPassword(cluster.password);
  const server = await runServer({
    cluster,
    settings: options.settings ?? {},
    report,
    prepare: (superuser) => prepare(superuser, password),
  });
  let stopped: Promise<void> | undefined;
  return {
    url: urlOf(cluster.password, server.port),
    stop() {
      // Once only: a moment later, the lock may belong to another process.
      stopped ??= server.stop().then(unlock);
      return stopped;
    },
  };
}

/** Returns the URL of the database of an embedded server, by its superuser's password. */
export function urlOf(superuserPassword: string, port: number): string {
  return `postgres://chattera:${chatPassword(superuserPassword)}@127.0.0.1:${port}/chattera?${OWN_OPTIONS}`;
}

/**
 * Keeps PGSSLMODE and PGOPTIONS away, which many machines have for another database: pg takes them
 * from the environment unless the URL has its own.
 */
const OWN_OPTIONS = "sslmode=disable&options=-c%20search_path%3Dpublic";

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
 * Derived, so that one secret is stored, and the chat's password does not open the superuser's
 * account.
 */
function chatPassword(superuserPassword: string): string {
  return createHmac("sha256", superuserPassword).update("chattera").digest("hex");
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
