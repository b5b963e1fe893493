import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type App, createApp } from "./app.ts";
import type { Environment } from "./config.ts";
import { createLog, type Logger } from "./log.ts";

/** A node that serves. */
export type Node = {
  /** Where it listens, e.g. `http://localhost:3000/chat`. */
  url: string;
  /** Becomes unready, finishes what is under way, lets go; at most 10 s. */
  stop(): Promise<void>;
};

/** Above what balancers keep: AWS 60 s. The shorter one closes, and a request on a closing connection is a 502. */
const KEEP_ALIVE_MS = 75_000;

/** SIGTERM to the end: requests have 8 s of the 10 s that a supervisor commonly grants. */
const DRAIN_MS = 8_000;

/** Opens the app on the database at `databaseUrl` and listens. */
export async function serve(environment: Environment, databaseUrl: string): Promise<Node> {
  const logger = createLog(environment.LOG_LEVEL);
  const settings = Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(",") : String(value ?? ""),
    ]),
  );
  const app = await createApp({ databaseUrl, settings, logger });
  const server = createServer(app.callback());
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = KEEP_ALIVE_MS + 5_000;
  await listen(server, environment.PORT, environment.HOST);
  const { port } = server.address() as AddressInfo;
  const host = environment.HOST === "" ? "localhost" : environment.HOST;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}${environment.BASE_PATH}`;
  logger.info({ url }, "serving");
  return { url, stop: () => stop(app, server, logger) };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host === "" ? undefined : host, resolve);
  });
}

/** Unready and streams told first, so that the crowd goes elsewhere while posts in flight finish here. */
async function stop(app: App, server: Server, logger: Logger): Promise<void> {
  logger.info({ readers: app.site.hub.readers.size }, "draining");
  app.drain();
  const closed = new Promise((resolve) => server.close(resolve));
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  server.closeIdleConnections();
  await closed;
  clearTimeout(late);
  await app.close();
  logger.info("stopped");
}
