import { randomUUID } from "node:crypto";
import pg from "pg";
import { until } from "./until.ts";

/** The server of this run, the migrated database in it, and the folder it works in if it is our own. */
export type TestServer = { url: string; template: string; folder?: string | undefined };

/** Where start-database.ts left word of the server. */
export function testServer(): TestServer {
  return JSON.parse(process.env.CHATTERA_TEST_SERVER ?? "{}") as TestServer;
}

/** Names of all that tests make begin alike, so that what a killed run left can be told. */
export const TEMPLATE_PREFIX = "chattera_template_";

/** A migrated, empty database of its own for a test file; `drop` also breaks connections that are still open. */
export async function createDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const { url, template } = testServer();
  const name = `chattera_test_${randomUUID().replaceAll("-", "")}`;
  await query(url, `create database ${name} template ${template}`);
  return { url: databaseUrl(url, name), drop: () => dropDatabase(url, name) };
}

/** Drops a database under whoever is still connected; but an autovacuum at work in it is not ours to end, and is soon done. */
export async function dropDatabase(url: string, name: string): Promise<void> {
  const drop = () => query(url, `drop database if exists ${name} with (force)`);
  await until("the database is dropped", () => drop().catch(unlessNotOurs), 20_000);
}

/** [insufficient_privilege] */
const NOT_OURS = "42501";

function unlessNotOurs(error: { code?: string }): undefined {
  if (error.code !== NOT_OURS) throw error;
}

/** The same server's other database. */
export function databaseUrl(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

/** One statement on a connection of its own. */
export async function query(url: string, statement: string): Promise<{ [column: string]: unknown }[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<{ [column: string]: unknown }>(statement)).rows;
  } finally {
    await client.end();
  }
}
