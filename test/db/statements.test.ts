import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { projectFiles } from "../../lint/files.ts";

const sources = projectFiles(["db", "server", "protocol", "client"]).filter((file) => file.endsWith(".ts"));
const filesWith = (pattern: RegExp) => sources.filter((file) => pattern.test(readFileSync(file, "utf8")));

test("statements are written in db only", () => {
  const isOutside = (file: string) => !file.startsWith("db/");
  expect(filesWith(/\.raw\(|\.raw<|["'`]\s*(select|insert into|update|delete from)\s/).filter(isOutside)).toEqual([]);
});

test("settings come from the caller: db reads no environment variable", () => {
  expect(filesWith(/process\.env/).filter((file) => file.startsWith("db/"))).toEqual([]);
});

test("migrations from 20261130000040 on change tables only, because functions are in db/sql", () => {
  const isLater = (file: string) =>
    file > "db/migrations/20261130000040_functions.ts" && file.startsWith("db/migrations/");
  expect(filesWith(/create (or replace )?function/).filter(isLater)).toEqual([]);
});

test("rows have a type: only the functions that name it call raw()", () => {
  const isMigration = (file: string) => file.startsWith("db/migrations/");
  const callers = filesWith(/\.raw\b/).filter((file) => !isMigration(file));
  expect(callers).toEqual(["db/pool/prepared.ts", "db/pool/statement.ts"]);
  for (const file of callers) expect(readFileSync(file, "utf8")).not.toMatch(/\.raw\(/);
});
