import { createHmac } from "node:crypto";

/** Returns the URL of the chat's database. `password` is that of the superuser. */
export function chatUrl(password: string, port: number): string {
  return `postgres://chattera:${chatPassword(password)}@127.0.0.1:${port}/chattera?${OWN_OPTIONS}`;
}

/**
 * Returns the password of the chat's role. Derived, so that one secret is stored, and the chat's
 * password does not open the superuser's account.
 */
export function chatPassword(superuserPassword: string): string {
  return createHmac("sha256", superuserPassword).update("chattera").digest("hex");
}

/** Returns the URL of the superuser's connection. `password` is that of the superuser. */
export function superuserUrl(password: string, port: number): string {
  return `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres?${OWN_OPTIONS}`;
}

/**
 * Keeps variables like PGSSLMODE and PGOPTIONS away, which many machines have for another database:
 * pg takes them from the environment unless the URL has its own.
 */
const OWN_OPTIONS = "sslmode=disable&sslnegotiation=postgres&replication=false&options=-c%20search_path%3Dpublic";
