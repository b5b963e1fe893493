import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { testServer } from "./database.ts";

/** Returns the superuser's URL of a database on the server that this run started. */
export async function adminUrl(databaseUrl: string): Promise<string> {
  const admin = new URL(databaseUrl);
  admin.username = "postgres";
  admin.password = await readFile(join(testServer().folder as string, "password"), "utf8");
  return admin.href;
}
