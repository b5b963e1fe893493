import { peer } from "./peer.ts";
import { runNode } from "./program.ts";
import type { System, SystemOptions } from "./system.ts";

/**
 * The yardstick: Koa, better-sse's channels and PostgreSQL put together in an hour. Its PostgreSQL
 * is the one that chattera brings, durable by the same settings. The notifications of two commits
 * may arrive in another order than the commits, so events out of order are this system's own fault.
 */
export async function start(options: SystemOptions): Promise<System> {
  const program = runNode(options.core, "naive-server.ts");
  return peer(program, options, {
    name: "naive",
    port: Number(await program.firstLine),
    wire: "endless",
    read: "/events?room={{room}}",
    write: "/messages?room={{room}}",
  });
}
