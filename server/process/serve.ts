import cluster from "node:cluster";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { collectDefaultMetrics } from "prom-client";
import { type OpenedApp, openApp } from "../app.ts";
import type { NodeConfig } from "../config.ts";
import { createShares } from "../guard/shares.ts";
import { withKeptPolls } from "../http/verified-polls.ts";
import { createLog, type Logger } from "../log.ts";
import { HAS_FAST_PATH } from "../streams/socket.ts";
import { answerBadRequests, isRefusedWithoutHost } from "./bad-request.ts";
import { capConnections } from "./connections.ts";
import { tuneGarbageCollection } from "./gc-tuning.ts";
import type { ConnectionCaps } from "./held-connections.ts";
import { addressesOf, listen, urlOf } from "./listen.ts";
import { connectionsWithin, openFilesLimit } from "./open-files.ts";
import { beginRequest, endRequest } from "./pipelining.ts";
import { countTogether } from "./shared-metrics.ts";

/** A node that serves. */
export type RunningNode = {
  /** Where it listens, e.g. `http://localhost:3000/chat`. */
  url: string;
  /** Becomes unready, finishes running requests, closes. Takes at most 10 s. */
  stop(): Promise<void>;
};

/**
 * Above what balancers keep: AWS 60 s. The shorter one closes, and a request on a closing
 * connection is a 502.
 */
const KEEP_ALIVE_MS = 75_000;

/** A browser's head is one packet, or a few over a slow line. */
const HEAD_MS = 15_000;

/** The longest body is 64 KiB, which a line of 2 kB/s brings in this time. */
const REQUEST_MS = 30_000;

/**
 * A client that does not read its answer is closed when no byte has moved for once or twice this
 * long. Nothing else is silent for so long: a poll waits 55 s, the path doctor 75 s, and streams
 * have left Node's HTTP layer.
 */
const STUCK_MS = 120_000;

/**
 * How often Node looks for requests that took longer. It looks only at those whose head or body is
 * still to come.
 */
const CHECK_MS = 1_000;

/**
 * Grace for running requests. With NOTICE_MS and CLOSE_MS, 9 of the 10 s that supervisors allow.
 */
const DRAIN_MS = 6_500;

/**
 * A node that stops still takes requests for this long, so that a balancer that asks every second
 * sees it unready.
 */
const NOTICE_MS = 1_000;

/**
 * A database that is away never answers when the pool closes. The rest of the 10 s is for the
 * process to end.
 */
const CLOSE_MS = 1_500;

/**
 * Opens the app and listens. In a worker, the primary listens to the database and adds up the
 * metrics.
 */
export async function serve(config: NodeConfig, { isWorker }: { isWorker: boolean }): Promise<RunningNode> {
  const logger = createLog(config.logLevel);
  const worker = isWorker ? { worker: { sumMetrics: countTogether } } : {};
  const opened = await openApp(config, { logger, keepsPolls: true, ...worker });
  const { app, site } = opened;
  tuneGarbageCollection();
  // Memory, CPU and event loop lag are the process's, so a host's app does not report them.
  collectDefaultMetrics({ register: site.metrics.registry });
  const server = createServer({
    headersTimeout: HEAD_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: CHECK_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requireHostHeader: false,
  });
  server.timeout = STUCK_MS;
  capConnections(server, capsOf(config), logger);
  server.on("request", listenerOf(server, opened));
  answerBadRequests(server);
  try {
    await listen(server, config);
  } catch (error) {
    await app.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const url = urlOf(config, port);
  logger.info({ url, fastPath: HAS_FAST_PATH }, "serving");
  warnOfAnyHost(config, logger);
  site.peers.announce(addressesOf(config, port));
  return { url, stop: () => stop(opened, server, logger) };
}

function listenerOf(server: Server, { app, site }: OpenedApp): RequestListener {
  const answer = withKeptPolls(site.verifiedPolls, app.callback());
  return (request, response) => {
    if (!beginRequest(request)) return;
    // [RFC 9112 9.6] While draining, each answer is the last one on its connection: a proxy would
    // keep sending requests on its kept-alive connections until they are cut in the middle of one.
    if (site.isDraining) response.setHeader("Connection", "close");
    response.on("close", () => {
      endRequest(request);
      if (site.isDraining) server.closeIdleConnections();
    });
    if (!isRefusedWithoutHost(request, response)) answer(request, response);
  };
}

/**
 * Warns once, in the first worker: on a private network, any page could reach the site under a name
 * of its own.
 */
function warnOfAnyHost({ host, hosts }: NodeConfig, logger: Logger): void {
  const isLocal = /^(localhost|127\..*|::1)$/.test(host);
  if (isLocal || hosts.length > 0 || (cluster.worker?.id ?? 1) > 1) return;
  logger.warn(
    "requests for any host name are answered, so a web page can reach this site by DNS rebinding; " +
      "set CHATTERA_HOSTS to the site's own names, for example CHATTERA_HOSTS=chat.example.org",
  );
}

function capsOf(config: NodeConfig): ConnectionCaps {
  const limit = openFilesLimit();
  const total = limit === undefined ? Number.POSITIVE_INFINITY : connectionsWithin(limit, config);
  return {
    perAddress: config.limits ? config.connectionsPerAddress : Number.POSITIVE_INFINITY,
    perBlock: config.limits ? Math.ceil(total / 2) : Number.POSITIVE_INFINITY,
    total,
    shares: createShares(config.shares),
    trustProxy: config.trustProxy,
  };
}

/** Sends the crowd to other nodes first, while the posts in flight finish here. */
async function stop({ app, site }: OpenedApp, server: Server, logger: Logger): Promise<void> {
  logger.info({ readers: site.hub.readers.size }, "draining connections");
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
