import Koa from "koa";
import { configOf, readEnvironment } from "./config.ts";
import { retryMs } from "./delivery/retry.ts";
import { clientAddress } from "./guard/client-address.ts";
import { commonHeaders } from "./guard/headers.ts";
import { canonicalPath } from "./http/canonical-path.ts";
import { refused } from "./http/refused.ts";
import { requestLog } from "./http/request-log.ts";
import { crossOrigin, ownHost, type Route, routerOf } from "./http/route.ts";
import { watchStalls } from "./http/stalls.ts";
import { createLog, type Logger } from "./log.ts";
import { assetRoutes } from "./routes/assets.ts";
import { doctorRoutes } from "./routes/doctor.ts";
import { eventRoutes } from "./routes/events.ts";
import { hereRoutes } from "./routes/here.ts";
import { liveRoutes } from "./routes/live.ts";
import { messageRoutes } from "./routes/messages.ts";
import { countReaders, operationRoutes } from "./routes/operations.ts";
import { pageRoutes } from "./routes/pages.ts";
import { roomRoutes } from "./routes/rooms.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { closeSite, openSite, type Site } from "./site.ts";

/** What an app is opened with. */
export type AppOptions = {
  /** The database, `postgres://…`; migrated when the app opens. */
  databaseUrl: string;
  /** Settings by their environment names, e.g. `{ BASE_PATH: "/chat", CHATTERA_LIMITS: "off" }`; process.env is not read. */
  settings?: { [name: string]: string };
  /** Where happenings are told; silent by default. */
  logger?: Logger;
};

/** A Koa app with an end. */
export type App = Koa & {
  site: Site;
  /** Becomes unready, answers the polls, tells streams to come back elsewhere; posts are served on. */
  drain(): void;
  /** Lets go of every reader and of the database. */
  close(): Promise<void>;
};

/**
 * Opens chattera as a Koa app: for supertest (`request(app.callback())`, no port needed), for `app.listen()`, or mounted
 * in an app of yours by koa-mount. Close it when done. Throws what the database says, and an Error that names settings
 * that cannot be used.
 */
export async function createApp(options: AppOptions): Promise<App> {
  const config = configOf(readEnvironment(options.settings ?? {}));
  const site = await openSite(config, options.databaseUrl, options.logger ?? createLog("silent"));
  const app = new Koa();
  // a connection that its client broke; Koa would print its stack
  app.on("error", (error) => site.logger.debug({ err: error }, "a connection broke"));
  const stalls = watchStalls(app, site);
  app.use(stalls.watch);
  countReaders(site);
  useMiddleware(app, site);
  const close = () => {
    stalls.stop();
    return closeSite(site);
  };
  return Object.assign(app, { site, drain: () => drain(site), close });
}

/** In the order in which a request meets them. What a route asks for comes after: see routes/route.ts. */
function useMiddleware(app: Koa, site: Site): void {
  const { config } = site;
  app.use(requestLog(site.logger));
  app.use(commonHeaders(config.origins));
  app.use(refused(site));
  app.use(clientAddress(config.trustProxy, site.logger));
  app.use(ownHost(site));
  if (config.origins.length > 0) app.use(crossOrigin(site));
  app.use(canonicalPath(config.basePath));
  const router = routerOf(siteRoutes(site), site);
  app.use(router.routes());
  app.use(router.allowedMethods());
}

/** All that the site answers. */
export function siteRoutes(site: Site): Route[] {
  const { limits } = site;
  return [
    ...messageRoutes(site, limits),
    ...eventRoutes(site),
    ...roomRoutes(site, limits),
    ...sessionRoutes(site, limits),
    ...pageRoutes(site, limits),
    ...liveRoutes(site),
    ...doctorRoutes(site, limits),
    ...hereRoutes(site),
    ...assetRoutes(),
    ...operationRoutes(site),
  ];
}

function drain(site: Site): void {
  site.isDraining = true;
  // counted before they go: the last ones are as many as the first to those who take them in
  const crowd = site.hub.readers.size;
  for (const reader of site.hub.readers) site.hub.sendAway(reader, { retry: retryMs(crowd) });
}
