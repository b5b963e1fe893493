import { randomUUID } from "node:crypto";
import pg from "pg";
import { until } from "./until.ts";

/** The server of this run, the migrated database in it, and its folder if the run started it. */
export type TestServer = { url: string; template: string; folder?: string | undefined };

/** Returns the server that start-database.ts announced. */
export function testServer(): TestServer {
  return JSON.parse(process.env.TEST_SERVER ?? "{}") as TestServer;
}

/** The prefix of template names, by which databases of a killed run are recognized. */
export const TEMPLATE_PREFIX = "chattera_template_";

/**
 * Creates a migrated, empty database for a test file. `drop` also breaks connections that are still
 * open.
 */
export async function createDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const { url, template } = testServer();
  const name = `chattera_test_${randomUUID().replaceAll("-", "")}`;
  await query(url, `create database ${name} template ${template}`);
  return { url: databaseUrl(url, name), drop: () => dropDatabase(url, name) };
}

/** Creates a database in which nothing was migrated. */
export async function createEmptyDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const { url } = testServer();
  const name = `chattera_test_${randomUUID().replaceAll("-", "")}`;
  await query(url, `create database ${name}`);
  return { url: databaseUrl(url, name), drop: () => dropDatabase(url, name) };
}

/**
 * Drops a database, even with open connections. Waits for an autovacuum, which only a superuser may
 * end.
 */
export async function dropDatabase(url: string, name: string): Promise<void> {
  const drop = () => query(url, `drop database if exists ${name} with (force)`);
  await until("the database is dropped", () => drop().catch(unlessNotOurs), 20_000);
}

/** [insufficient_privilege] */
const NOT_OURS = "42501";

function unlessNotOurs(error: { code?: string }): undefined {
  if (error.code !== NOT_OURS) throw error;
}

/** Returns the URL of another database of the same server. */
export function databaseUrl(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

/** Runs one statement on a connection of its own. It finds our tables, and those of the host. */
export async function query(url: string, statement: string): Promise<{ [column: string]: unknown }[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query("set search_path = chattera, public");
    return (await client.query<{ [column: string]: unknown }>(statement)).rows;
  } finally {
    await client.end();
  }
}
