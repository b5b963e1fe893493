import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { Knex } from "knex";
import { execute, rowsOf } from "./pool/statement.ts";

/** The database's functions as this version has them: the files of db/sql. */
export type Functions = { revision: number; sha256: string; text: string; names: string[] };

const FOLDER = new URL("./sql/", import.meta.url);

/** Reads db/sql. `npm run schema` raises the revision when a file has changed. */
export async function readFunctions(folder = FOLDER): Promise<Functions> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, folder), "utf8")));
  // A checkout on Windows may have other line ends.
  const text = texts.join("\n").replaceAll("\r\n", "\n");
  const { revision } = JSON.parse(await readFile(new URL("revision.json", folder), "utf8")) as { revision: number };
  return {
    revision,
    sha256: createHash("sha256").update(text).digest("hex"),
    text,
    names: names.map((name) => name.slice(0, -".sql".length)),
  };
}

/**
 * Replaces the database's functions, within the transaction `tx`, if their text has changed. Every
 * node calls this when it starts. If several start at once, a lock makes the others wait, and they
 * find the work done.
 *
 * Functions of a newer version stay. Otherwise, a node of the old version that restarts during a
 * rolling upgrade would replace the functions that the new nodes call.
 */
export async function applyFunctions(
  tx: Knex.Transaction,
  { revision, sha256, text }: Omit<Functions, "names">,
): Promise<void> {
  await execute(tx, "select pg_advisory_xact_lock(?)", [FUNCTIONS_LOCK]);
  if (await areApplied(tx, { revision, sha256 })) return;
  // A question mark would be a parameter of the query.
  await execute(tx, text.replaceAll("?", "\\?"));
  await execute(
    tx,
    `insert into functions (revision, sha256) values (?, ?)
     on conflict (single) do update
     set revision = excluded.revision, sha256 = excluded.sha256, applied_at = now()`,
    [revision, sha256],
  );
}

/** Returns whether the database has these functions, or newer ones. */
export async function areApplied(
  db: Knex,
  { revision, sha256 }: Pick<Functions, "revision" | "sha256">,
): Promise<boolean> {
  const [table] = await rowsOf<{ exists: boolean }>(db, "select to_regclass('functions') is not null as exists");
  if (!table?.exists) return false;
  const [applied] = await rowsOf<{ revision: number; sha256: string }>(db, "select revision, sha256 from functions");
  if (applied === undefined) return false;
  return applied.revision > revision || (applied.revision === revision && applied.sha256 === sha256);
}

/** Deletes the record of the functions, so that the next call of applyFunctions() replaces them. */
export async function forgetFunctions(tx: Knex.Transaction): Promise<void> {
  const [table] = await rowsOf<{ exists: boolean }>(tx, "select to_regclass('functions') is not null as exists");
  if (table?.exists) await execute(tx, "delete from functions");
}

/** "func" in ASCII: a key among the database's advisory locks. */
const FUNCTIONS_LOCK = 0x66756e63;
