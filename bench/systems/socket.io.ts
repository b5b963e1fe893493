import { peer } from "./peer.ts";
import { runNode } from "./program.ts";
import type { System, SystemOptions } from "./system.ts";

/**
 * Socket.IO held to its long-polls, which is what it does where WebSockets do not pass; rooms of
 * the adapter in memory. All else is its defaults: a ping every 25 s, all that gathered between two
 * polls in one answer.
 */
export async function start(options: SystemOptions): Promise<System> {
  const program = runNode(options.core, "socket.io-server.ts");
  return peer(program, options, {
    name: "socket.io",
    port: Number(await program.firstLine),
    wire: "socket.io-poll",
    read: "/socket.io/?EIO=4&transport=polling&room={{room}}",
    write: "/messages?room={{room}}",
  });
}
