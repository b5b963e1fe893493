import { readFile } from "node:fs/promises";

/** The names of everything that the migrations of chattera have made in a database. */
export type OwnNames = { tables: string[]; functions: string[] };

/**
 * Returns the names of chattera's own tables and functions. A database can hold those of another
 * application as well.
 */
export async function readOwnNames(): Promise<OwnNames> {
  const schema = await readFile(new URL("../schema.sql", import.meta.url), "utf8");
  const namesOf = (pattern: RegExp) => [...new Set([...schema.matchAll(pattern)].map(([, name]) => name as string))];
  return {
    tables: namesOf(/^create (?:unlogged )?table (\w+)/gm),
    functions: namesOf(/^create function (\w+)/gm),
  };
}
