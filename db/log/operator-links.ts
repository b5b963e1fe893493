import type { Knex } from "knex";
import { execute } from "../pool/statement.ts";

/** Stores the hash of a link by which one operator may sign in, once, within `minutes`. */
export async function writeOperatorLink(db: Knex, hash: string, minutes: number): Promise<void> {
  await execute(db, "delete from operator_links where expires_at < now()");
  await execute(db, "insert into operator_links (hash, expires_at) values (?, now() + make_interval(mins => ?))", [
    hash,
    minutes,
  ]);
}

/** Uses up such a link. Returns `false` if it is used, expired or unknown. */
export async function takeOperatorLink(db: Knex, hash: string): Promise<boolean> {
  return (await execute(db, "delete from operator_links where hash = ? and expires_at > now()", [hash])) === 1;
}
