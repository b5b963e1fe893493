import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { until } from "./until.ts";

/** Is PgBouncer installed on this machine? */
export const HAS_PGBOUNCER = spawnSync("pgbouncer", ["--version"]).status === 0;

/**
 * Starts a PgBouncer in transaction mode in front of the database at `target`, to which it connects
 * at most `poolSize` times.
 */
export async function openPgBouncer(target: string, poolSize = 5): Promise<{ url: string; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "chattera-pgbouncer-"));
  await chmod(folder, 0o755);
  const port = await freePort();
  const { hostname, port: farPort, pathname, username, password } = new URL(target);
  const name = pathname.slice(1);
  await writeFile(
    join(folder, "pgbouncer.ini"),
    `[databases]
${name} = host=${hostname} port=${farPort} dbname=${name} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
`,
  );
  // PgBouncer refuses to run as root.
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const child = spawn("pgbouncer", ["-q", join(folder, "pgbouncer.ini")], { ...nobody, stdio: "ignore" });
  process.once("exit", () => child.kill("SIGKILL"));
  const url = `postgres://${username}@127.0.0.1:${port}/${name}`;
  await until("PgBouncer answers", () => isAnswering(url));
  const close = async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true });
  };
  return { url, close };
}

/** Sets nothing in the session, which the tests share. */
async function isAnswering(url: string): Promise<boolean> {
  const client = new pg.Client(url);
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    void client.end().catch(() => undefined);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
