import cluster from "node:cluster";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { collectDefaultMetrics } from "prom-client";
import { StartError } from "../../db/start-error.ts";
import { type App, createApp } from "../app.ts";
import { BY_PRIMARY } from "../bus/shared-listener.ts";
import type { Config, Environment } from "../config.ts";
import { createShares } from "../guard/shares.ts";
import { withKeptPolls } from "../http/verified-polls.ts";
import { createLog, type Logger } from "../log.ts";
import { answerBadRequests, isRefusedWithoutHost } from "./bad-request.ts";
import { type ConnectionCaps, capConnections } from "./connections.ts";
import { collectOutOfTheWay } from "./gc-tuning.ts";
import { connectionsWithin, openFilesLimit } from "./open-files.ts";
import { countTogether } from "./shared-metrics.ts";

/** A node that serves. */
export type Node = {
  /** Where it listens, e.g. `http://localhost:3000/chat`. */
  url: string;
  /** Becomes unready, finishes what is under way, lets go; at most 10 s. */
  stop(): Promise<void>;
};

/** Above what balancers keep: AWS 60 s. The shorter one closes, and a request on a closing connection is a 502. */
const KEEP_ALIVE_MS = 75_000;

/** A browser's head is one packet, or a few over a slow line. */
const HEAD_MS = 15_000;

/** The longest body is 64 KiB, which a line of 2 kB/s brings in this time. */
const REQUEST_MS = 30_000;

/**
 * A client that does not read its answer is let go when no byte has moved for once or twice this long. Nothing else is
 * silent for so long: a poll waits 55 s, the path doctor 75 s, and streams are not Node's any more.
 */
const STUCK_MS = 120_000;

/** How often Node looks for requests that took longer. It looks only at those whose head or body is still to come. */
const CHECK_MS = 1_000;

/** Then what is under way may end: with the second of notice and the goodbyes 9 of the 10 s that supervisors grant. */
const DRAIN_MS = 6_500;

/** So long a node that is going still takes requests, for a balancer that asks every second to see that it is unready. */
const NOTICE_MS = 1_000;

/** A database that is away never answers the goodbye; the others of the 10 s are for the process to end. */
const CLOSE_MS = 1_500;

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
  collectOutOfTheWay();
  // memory, CPU and the loop's lag are the process's, so they are told where the process is ours
  const { registry } = app.site.metrics;
  collectDefaultMetrics({ register: registry });
  if (environment.CHATTERA_LISTEN_URL === BY_PRIMARY) app.site.tellMetrics = countTogether(registry);
  const server = createServer({
    headersTimeout: HEAD_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: CHECK_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requireHostHeader: false,
  });
  server.timeout = STUCK_MS;
  capConnections(server, capsOf(environment, app.site.config), logger);
  const answer = withKeptPolls(app.site, app.callback());
  server.on("request", (request, response) => {
    if (!isInTurn(request)) return;
    // [RFC 9112 9.6] While draining, each answer is the last one on its connection: a proxy's kept-alive connections
    // would keep bringing requests until they are broken in the middle of one.
    if (app.site.isDraining) response.setHeader("Connection", "close");
    response.on("close", () => {
      leaveTurn(request);
      if (app.site.isDraining) server.closeIdleConnections();
    });
    if (!isRefusedWithoutHost(request, response)) answer(request, response);
  });
  answerBadRequests(server);
  try {
    await listen(server, environment);
  } catch (error) {
    await app.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const url = urlOf(environment, port);
  logger.info({ url }, "serving");
  warnOfAnyHost(environment, logger);
  return { url, stop: () => stop(app, server, logger) };
}

/** Requests of one connection that may be under way at once. Browsers and proxies send the next one after the answer. */
const PIPELINED_MAX = 8;

/** On the socket itself: with a WeakMap of sockets, garbage collection took 5 % more of a busy node's CPU. */
const UNDER_WAY = Symbol("requests under way");

type Counted = Duplex & { [UNDER_WAY]?: number };

/**
 * Lets go of a connection that sends on and on without waiting for answers: Node takes all requests of a packet in at once,
 * a thousand in 46 kB, and keeps their answers until they are read. Returns `false` for a request that came too early.
 */
function isInTurn(request: IncomingMessage): boolean {
  const socket: Counted = request.socket;
  const count = (socket[UNDER_WAY] ?? 0) + 1;
  socket[UNDER_WAY] = count;
  if (count > PIPELINED_MAX) socket.destroy();
  return count <= PIPELINED_MAX && !socket.destroyed;
}

function leaveTurn(request: IncomingMessage): void {
  const socket: Counted = request.socket;
  socket[UNDER_WAY] = (socket[UNDER_WAY] ?? 1) - 1;
}

/** Once, by the first worker: on a private network, a page anywhere could reach the site under a name of its own. */
function warnOfAnyHost({ HOST, CHATTERA_HOSTS }: Environment, logger: Logger): void {
  const isLocal = /^(localhost|127\..*|::1)$/.test(HOST);
  if (isLocal || CHATTERA_HOSTS.length > 0 || (cluster.worker?.id ?? 1) > 1) return;
  logger.warn(
    "requests for any host name are answered, so a web page can reach this site by DNS rebinding; " +
      "set CHATTERA_HOSTS to the site's own names, for example CHATTERA_HOSTS=chat.example.org",
  );
}

/** Where a site on this port is to be found. */
export function urlOf({ HOST, BASE_PATH }: Environment, port: number): string {
  const host = HOST === "" ? "localhost" : HOST;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}${BASE_PATH}`;
}

/** Throws the sentence that says why the port cannot be had, if so: before workers say it each for itself. */
export async function tryPort(environment: Environment): Promise<void> {
  const server = createServer();
  await listen(server, environment);
  await new Promise((resolve) => server.close(resolve));
}

function capsOf(environment: Environment, { shares }: Config): ConnectionCaps {
  const limit = openFilesLimit();
  const total = limit === undefined ? Number.POSITIVE_INFINITY : connectionsWithin(limit, environment);
  const hasLimits = environment.CHATTERA_LIMITS === "on";
  return {
    perAddress: hasLimits ? environment.CHATTERA_CONNECTIONS : Number.POSITIVE_INFINITY,
    perBlock: hasLimits ? Math.ceil(total / 2) : Number.POSITIVE_INFINITY,
    total,
    shares: createShares(shares),
    trustProxy: environment.TRUST_PROXY,
  };
}

function listen(server: Server, environment: Environment): Promise<void> {
  const { PORT, HOST } = environment;
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(explain(error, environment)));
    server.listen(PORT, HOST === "" ? undefined : HOST, resolve);
  });
}

function explain(error: NodeJS.ErrnoException, { HOST, PORT }: Environment): Error {
  const port = HOST === "" ? `Port ${PORT}` : `Port ${PORT} of ${HOST}`;
  const cause = { cause: error };
  if (error.code === "EADDRINUSE")
    return new StartError(`${port} is taken by another program: end that one, or set PORT to a free one.`, cause);
  if (error.code === "EACCES")
    return new StartError(`${port} is not for this user: set PORT to one above 1023, behind a proxy.`, cause);
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND")
    return new StartError(`This machine has no address ${HOST}: set HOST to one it has, or to nothing for all.`, cause);
  return error;
}

/** Unready and streams told first, so that the crowd goes elsewhere while posts in flight finish here. */
async function stop(app: App, server: Server, logger: Logger): Promise<void> {
  logger.info({ readers: app.site.hub.readers.size }, "draining connections");
  app.drain();
  await setTimeout(NOTICE_MS);
  const closed = new Promise((resolve) => server.close(resolve));
  const late = globalThis.setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  server.closeIdleConnections();
  await closed;
  clearTimeout(late);
  await Promise.race([app.close(), setTimeout(CLOSE_MS, undefined, { ref: false })]);
  logger.info("stopped");
}
