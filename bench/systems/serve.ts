import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Lets a Node server of this folder be reached as one sets it up for production, and prints its
 * port.
 */
export function serve(server: Server): void {
  // As in nginx: Node's own 5 s would cut writers that send little
  server.keepAliveTimeout = 75_000;
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
  });
}
