import type { ConnectionOptions } from "node:tls";

/** The settings of a connection, by the names that `pg` has for them. */
export type ConnectionSettings = {
  connectionString?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  user?: string | undefined;
  /** A function is called for each new connection, for example for a password that expires. */
  password?: string | (() => string | Promise<string>) | undefined;
  database?: string | undefined;
  ssl?: boolean | ConnectionOptions | undefined;
  /** Settings of the server for each session, like `-c work_mem=8MB`. */
  options?: string | undefined;
  application_name?: string | undefined;
};

/** Where a PostgreSQL is: a URL, or the settings of its connections. */
export type DatabaseAddress = string | ConnectionSettings;

/**
 * For pg, these modes mean verify-full, and it prints a warning of ten lines that a later version
 * will read them otherwise.
 */
const VERIFIED_MODES = /([?&]sslmode=)(?:prefer|require|verify-ca)(?=&|$)/;

/** Returns the address as settings of `pg`, over those of every connection of ours. */
export function settingsOf(address: DatabaseAddress): ConnectionSettings {
  if (typeof address === "string") {
    const isAsLibpq = address.includes("uselibpqcompat=true");
    return { connectionString: isAsLibpq ? address : address.replace(VERIFIED_MODES, "$1verify-full") };
  }
  return Object.fromEntries(Object.entries(address).filter(([name, value]) => value !== undefined && name !== "max"));
}

/** The schema that has our tables by default. */
export const DEFAULT_SCHEMA = "chattera";
