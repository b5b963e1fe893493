/// <reference types="node" />
// Only the types of Node's modules are imported, since the package's script has to load in
// browsers.
import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { proxyProof } from "./proxy.ts";

type Target = ConnectionOptions & { host: string; port: number };
type Connected = (error: Error | null, socket?: Socket) => void;

/**
 * Creates a function that connects an agent to a site under TLS through a proxy. `opening` has the
 * tunnels that are not open yet, so that one that nobody needs any more can be closed.
 */
export function createTunnel(
  proxy: URL,
  opening: Set<ClientRequest>,
): (target: Target, connected: Connected) => undefined {
  return (target, connected) => {
    const { hostname, port } = proxy;
    const through = process.getBuiltinModule(proxy.protocol === "https:" ? "node:https" : "node:http");
    const path = `${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`;
    const headers = { Host: path, ...proxyProof(proxy) };
    const request = through.request({ method: "CONNECT", hostname, port, path, headers, agent: false });
    opening.add(request);
    request.once("close", () => opening.delete(request));
    request.once("error", (error) => connected(error));
    request.once("connect", ({ statusCode }, socket) => {
      if (statusCode === 200) {
        connected(null, process.getBuiltinModule("node:tls").connect({ ...target, socket }));
        return;
      }
      socket.destroy();
      connected(new Error(`the proxy ${hostname} answered ${statusCode}`));
    });
    request.end();
  };
}
