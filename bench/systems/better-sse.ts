import { peer } from "./peer.ts";
import { runNode } from "./program.ts";
import type { System, SystemOptions } from "./system.ts";

/**
 * Starts better-sse's channels on Node's own HTTP server, as no framework is quicker. It keeps
 * messages in memory only, and all its defaults: a heartbeat every 10 s, an id for each event, the
 * data as JSON.
 */
export async function start(options: SystemOptions): Promise<System> {
  const program = runNode(options.core, "better-sse-server.ts");
  return peer(program, options, {
    name: "better-sse",
    port: Number(await program.firstLine),
    wire: "endless",
    read: "/events?room={{room}}",
    write: "/messages?room={{room}}",
  });
}
