import { createHmac } from "node:crypto";
import { resolve } from "node:path";
import type pg from "pg";
import { explain } from "../start-error.ts";
import { openCluster } from "./cluster.ts";
import { ownFolder } from "./lock.ts";
import { findPrograms, packagedPrograms } from "./programs.ts";
import { runServer } from "./server.ts";
import { databaseUser, makeFolder } from "./user.ts";

/** A PostgreSQL of our own: `url` leads to its database `chattera`. */
export type EmbeddedDatabase = { url: string; stop(): Promise<void> };

/** Where the data lies unless DATA_DIR says otherwise. Root's own folders are closed to the user PostgreSQL runs as. */
export function defaultDataDir(): string {
  return process.getuid?.() === 0 ? "/var/lib/chattera" : resolve("data");
}

/**
 * Starts the PostgreSQL that npm brought, on a free port of 127.0.0.1 with its data in `dataDir`, which is made when
 * missing. `settings` go before ours; `programs` is the folder of PostgreSQL's programs if not the one npm brought.
 * Root runs PostgreSQL as `systemUser`, by default `nobody`.
 * What an operator can mend is thrown as a StartError.
 */
export async function startEmbedded(
  options: {
    dataDir?: string;
    say?: (line: string) => void;
    settings?: Record<string, string>;
    programs?: string;
    systemUser?: { uid: number; gid: number };
  } = {},
): Promise<EmbeddedDatabase> {
  const folder = resolve(options.dataDir ?? defaultDataDir());
  const say = options.say ?? (() => {});
  const user = databaseUser(options.systemUser);
  const native = options.programs ?? packagedPrograms();
  return explaining(folder, async () => {
    await makeFolder(folder, user);
    const letGo = await ownFolder(folder);
    try {
      const programs = await findPrograms(native, folder, user);
      const cluster = await openCluster(folder, programs, user, say);
      const password = memberPassword(cluster.password);
      const server = await runServer({
        cluster,
        settings: options.settings ?? {},
        say,
        prepare: (superuser) => prepare(superuser, password),
      });
      let stopped: Promise<void> | undefined;
      return {
        url: `postgres://chattera:${password}@127.0.0.1:${server.port}/chattera`,
        stop() {
          stopped ??= server.stop().then(letGo); // once: a moment later the lock may be another's
          return stopped;
        },
      };
    } catch (error) {
      await letGo();
      throw error;
    }
  });
}

/** The system's own errors (EACCES, ENOSPC…) are about the data folder; whatever else fails is a bug and stays one. */
async function explaining<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { syscall, message } = error as NodeJS.ErrnoException;
    throw syscall ? explain(message, folder, error) : error;
  }
}

/** Derived, so that one secret is kept and yet the chat's own password does not open the superuser's account. */
function memberPassword(superuserPassword: string): string {
  return createHmac("sha256", superuserPassword).update("chattera").digest("hex");
}

/**
 * The chat's role owns its database and nothing more: a hole in its SQL could neither read the system's files, nor run
 * programs, nor reach another database. At every start, since the role of an earlier chattera could create databases.
 */
async function prepare(superuser: pg.Client, password: string): Promise<void> {
  const { rowCount: roles } = await superuser.query("select from pg_roles where rolname = 'chattera'");
  if (!roles) await superuser.query(`create role chattera login password '${password}'`);
  await superuser.query("alter role chattera nosuperuser nocreatedb nocreaterole noreplication nobypassrls");
  await superuser.query("revoke connect on database postgres, template1 from public");
  const { rowCount: databases } = await superuser.query("select from pg_database where datname = 'chattera'");
  if (!databases) await superuser.query("create database chattera owner chattera");
}
