import Koa from "koa";
import type { NodeConfig } from "./config.ts";
import { clientAddress } from "./guard/client-address.ts";
import { commonHeaders } from "./guard/headers.ts";
import { canonicalPath } from "./http/canonical-path.ts";
import { refused } from "./http/refused.ts";
import { requestLog } from "./http/request-log.ts";
import { crossOrigin, ownHost, type Route, routerOf } from "./http/route.ts";
import { watchStalls } from "./http/stalls.ts";
import { assetRoutes } from "./routes/assets.ts";
import { changePageRoutes } from "./routes/change-pages.ts";
import { changeRoutes } from "./routes/changes.ts";
import { doctorRoutes } from "./routes/doctor.ts";
import { eventRoutes } from "./routes/events.ts";
import { hereRoutes } from "./routes/here.ts";
import { historyRoutes } from "./routes/history.ts";
import { liveRoutes } from "./routes/live.ts";
import { logTextRoutes } from "./routes/log-text.ts";
import { messagePageRoutes } from "./routes/message-page.ts";
import { messageRoutes } from "./routes/messages.ts";
import { moderationRoutes } from "./routes/moderation.ts";
import { operateRoutes } from "./routes/operate.ts";
import { countReaders, operationRoutes, watchDatabase } from "./routes/operations.ts";
import { pageRoutes } from "./routes/pages.ts";
import { roomRoutes } from "./routes/rooms.ts";
import { searchRoutes } from "./routes/search.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { siteFileRoutes } from "./routes/site-files.ts";
import { whisperRoutes } from "./routes/whispers.ts";
import { closeSite, openSite, type Site, type SiteOptions } from "./site.ts";

/** A Koa app that can be closed. */
export type App = Koa & {
  /** @internal */
  site: Site;
  /**
   * Answers waiting polls and sends streams to other nodes. Posts are still served, and `/readyz`
   * is 503.
   */
  drain(): void;
  /**
   * Closes every reader and the connections to the database. Every further call returns the same
   * promise.
   */
  close(): Promise<void>;
};

/** Opens a site and returns the Koa app that serves it. */
export async function openApp(config: NodeConfig, options: SiteOptions): Promise<App> {
  const site = await openSite(config, options);
  const app = new Koa();
  // A client broke its connection. Koa would print the stack.
  app.on("error", (error) => site.logger.debug({ err: error }, "connection broken"));
  const stalls = watchStalls(app, site);
  app.use(stalls.watch);
  countReaders(site);
  watchDatabase(site);
  useMiddleware(app, site);
  let closing: Promise<void> | undefined;
  const close = () => {
    stalls.stop();
    // A second run would wait for connections of a pool that the first has ended.
    closing ??= closeSite(site);
    return closing;
  };
  return Object.assign(app, { site, drain: site.drain, close });
}

/**
 * Adds the middleware in the order in which a request passes it. A route's own guards follow, see
 * http/route.ts.
 */
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

/** Returns all routes of the site. */
export function siteRoutes(site: Site): Route[] {
  const { limits } = site;
  return [
    ...messageRoutes(site),
    ...historyRoutes(site),
    ...whisperRoutes(site),
    ...searchRoutes(site),
    ...changeRoutes(site),
    ...eventRoutes(site),
    ...roomRoutes(site, limits),
    ...moderationRoutes(site),
    ...operateRoutes(site),
    ...sessionRoutes(site, limits),
    ...pageRoutes(site),
    ...liveRoutes(site),
    ...logTextRoutes(site),
    ...changePageRoutes(site),
    // After the pages that have a name.
    ...messagePageRoutes(site),
    ...doctorRoutes(site, limits),
    ...hereRoutes(site),
    ...assetRoutes(site),
    ...siteFileRoutes(site),
    ...operationRoutes(site),
  ];
}
