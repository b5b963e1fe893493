import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { databaseUser } from "../../db/embedded/user.ts";
import { query } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";

/** A PostgreSQL of some version with its own defaults. */
export type Postgres = { url: string; stop(): Promise<void> };

const START_MS = 30_000;

/** Starts the programs of a folder on an empty cluster. As root, they run as `nobody`. */
export async function startPostgres(programs: string): Promise<Postgres> {
  const folder = await mkdtemp(join(tmpdir(), "chattera-matrix-"));
  const user = databaseUser();
  if (user) await chown(folder, user.uid, user.gid);
  await chmod(folder, 0o700);
  const data = join(folder, "data");
  const options = { ...user, cwd: folder, env: { LC_ALL: "C", TZ: "UTC" } };
  await promisify(execFile)(
    join(programs, "bin/initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
    options,
  );
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="];
  const server = spawn(join(programs, "bin/postgres"), args, { ...options, stdio: "ignore" });
  const url = `postgres://postgres:matrix@127.0.0.1:${port}/postgres`;
  await until("PostgreSQL answers", () => query(url, "select 1").catch(() => undefined), START_MS);
  return { url, stop: () => stop(server, folder) };
}

async function stop(server: ChildProcess, folder: string): Promise<void> {
  const ended = once(server, "exit");
  server.kill("SIGINT");
  await ended;
  await rm(folder, { recursive: true, force: true });
}
