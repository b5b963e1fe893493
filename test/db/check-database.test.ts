import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { assertReachable, assertWritable } from "../../db/pool/check-database.ts";
import { connect } from "../../db/pool/connect.ts";
import { StartError } from "../../db/start-error.ts";
import { adminUrl } from "../support/admin-url.ts";
import { createDatabase, query, testServer } from "../support/database.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database?.drop());

async function refusalOf(url: string): Promise<string> {
  const error = await assertReachable(url).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StartError);
  return (error as StartError).message;
}

test.each(["db1,db2:5432", "db1:5432,db2:5432", "db1:port", "db1:99999", "[::1"])(
  "%s is not one host with a port, which the sentence says without the password",
  async (host) => {
    const refusal = await refusalOf(`postgres://chat:hidden@${host}/chat`);
    expect(refusal).toMatch(/^DATABASE_URL is not a URL with one host and a port from 1 to 65535/);
    expect(refusal).not.toContain("hidden");
  },
);

test.each(["require", "prefer", "verify-ca", "verify-full"])(
  "a server without TLS is refused for sslmode=%s in one sentence, without a warning of pg",
  async (mode) => {
    const emitWarning = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const refusal = await refusalOf(`${database.url.replace(/\?.*/, "")}?sslmode=${mode}`);
    const warnings = emitWarning.mock.calls.length;
    emitWarning.mockRestore();
    expect(refusal).toContain("cannot be used (The server does not support SSL connections)");
    expect(warnings).toBe(0);
  },
);

test("a session that only reads is refused for writing, and one that writes is not", async () => {
  const options = {
    connectionString: database.url.replace(/\?.*/, ""),
    options: "-c default_transaction_read_only=on",
  };
  const [readOnly, writable] = [connect(options), connect(database.url)];
  await expect(assertWritable(readOnly)).rejects.toThrow(/^The database is read-only: name the primary server/);
  await expect(assertWritable(writable)).resolves.toBeUndefined();
  await Promise.all([readOnly.destroy(), writable.destroy()]);
});

(testServer().folder ? test : test.skip)(
  "a database that refuses a function without which nothing is stored is refused, with the statement that cures it",
  async () => {
    const admin = await adminUrl(database.url);
    await query(admin, "revoke execute on function pg_notify(text, text) from public");
    const db = connect(database.url);
    try {
      const refusal = (await assertWritable(db).catch((error: unknown) => error)) as StartError;
      expect(refusal).toBeInstanceOf(StartError);
      const cure = /run (grant execute on function .*;) as its administrator/.exec(refusal.message)?.[1];
      await query(admin, cure as string);
      await assertWritable(db);
    } finally {
      await db.destroy();
    }
  },
);
