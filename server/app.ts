import Koa, { type Middleware } from "koa";
import compose from "koa-compose";
import type { NodeConfig } from "./config.ts";
import { clientAddress } from "./guard/client-address.ts";
import { commonHeaders } from "./guard/headers.ts";
import { type HostEvents, type HostFunctions, hostFunctions } from "./host/chat.ts";
import { forgetTestClock } from "./host/test-clock.ts";
import { canonicalPath } from "./http/canonical-path.ts";
import { withOwnContext } from "./http/own-context.ts";
import { refused } from "./http/refused.ts";
import { requestLog } from "./http/request-log.ts";
import { crossOrigin, ownHost, type Route, routerOf } from "./http/route.ts";
import { watchStalls } from "./http/stalls.ts";
import { actPageRoutes } from "./routes/act-pages.ts";
import { assetRoutes } from "./routes/assets.ts";
import { changePageRoutes } from "./routes/change-pages.ts";
import { changeRoutes } from "./routes/changes.ts";
import { doctorRoutes } from "./routes/doctor.ts";
import { durableRoutes } from "./routes/durable.ts";
import { eventRoutes } from "./routes/events.ts";
import { hereRoutes } from "./routes/here.ts";
import { historyRoutes } from "./routes/history.ts";
import { incomingWebhookRoutes } from "./routes/incoming-webhooks.ts";
import { liveRoutes } from "./routes/live.ts";
import { logTextRoutes } from "./routes/log-text.ts";
import { messagePageRoutes } from "./routes/message-page.ts";
import { messageRoutes } from "./routes/messages.ts";
import { moderationRoutes } from "./routes/moderation.ts";
import { moderationPageRoutes } from "./routes/moderation-page.ts";
import { openApiRoutes } from "./routes/openapi.ts";
import { operateRoutes } from "./routes/operate.ts";
import { operatePageRoutes } from "./routes/operate-page.ts";
import { countReaders, operationRoutes, watchDatabase } from "./routes/operations.ts";
import { pageRoutes } from "./routes/pages.ts";
import { roomSettingsRoutes } from "./routes/room-settings.ts";
import { roomSettingsPageRoutes } from "./routes/room-settings-page.ts";
import { roomRoutes } from "./routes/rooms.ts";
import { searchRoutes } from "./routes/search.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { siteFileRoutes } from "./routes/site-files.ts";
import { webhookPageRoutes } from "./routes/webhook-pages.ts";
import { whisperRoutes } from "./routes/whispers.ts";
import { closeSite, openSite, type Site, type SiteOptions } from "./site.ts";

/** A Koa app that can be closed, with functions for the host's own code. */
export type App = HostEvents &
  HostFunctions &
  Koa & {
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

/** An app, and the node of the site that it serves, which is not the host's to use. */
export type OpenedApp = { app: App; site: Site };

/** Opens a site and the Koa app that serves it. `afterClose` runs when the app has been closed. */
export async function openApp(
  config: NodeConfig,
  { afterClose, ...options }: SiteOptions & { afterClose?: () => Promise<void> },
): Promise<OpenedApp> {
  const site = await openSite(config, options);
  const app = new Koa();
  // A client broke its connection. Koa would print the stack.
  app.on("error", (error) => site.logger.debug({ err: error }, "connection broken"));
  const stalls = watchStalls(app, site);
  countReaders(site);
  watchDatabase(site);
  const chain = [stalls.watch, ...middlewareOf(site)];
  // Our own server makes each context for us alone.
  if (options.keepsPolls) for (const middleware of chain) app.use(middleware);
  else app.use(withOwnContext(compose(chain)));
  let closing: Promise<void> | undefined;
  const close = () => {
    stalls.stop();
    // A second run would wait for connections of a pool that the first has ended.
    forgetTestClock(site);
    closing ??= closeSite(site).then(afterClose);
    return closing;
  };
  return { app: Object.assign(app, hostFunctions(app, site), { drain: site.drain, close }), site };
}

/**
 * Returns the middleware in the order in which a request passes it. A route's own guards follow,
 * see http/route.ts.
 */
function middlewareOf(site: Site): Middleware[] {
  const { config } = site;
  const often = routerOf(oftenRoutes(site), site);
  const seldom = routerOf(seldomRoutes(site), site);
  return [
    requestLog(site.logger),
    commonHeaders(config.origins),
    refused(site),
    clientAddress(config.trustProxy, site.logger),
    ownHost(site),
    ...(config.origins.length > 0 ? [crossOrigin(site)] : []),
    canonicalPath(config.basePath),
    often.routes() as Middleware,
    seldom.routes() as Middleware,
    seldom.allowedMethods() as Middleware,
  ];
}

/** Returns all routes of the site. */
export function siteRoutes(site: Site): Route[] {
  return [...oftenRoutes(site), ...seldomRoutes(site)];
}

/**
 * Returns the routes of nearly all requests. A router tries all its patterns for each request, and
 * more than a hundred of them took 12 of a message's 330 µs. This dozen takes less than 1.
 */
function oftenRoutes(site: Site): Route[] {
  return [...messageRoutes(site), ...eventRoutes(site), ...hereRoutes(site)];
}

function seldomRoutes(site: Site): Route[] {
  const { limits } = site;
  const routes = [
    ...historyRoutes(site),
    ...whisperRoutes(site),
    ...searchRoutes(site),
    ...changeRoutes(site),
    ...durableRoutes(site),
    ...roomRoutes(site, limits),
    ...moderationRoutes(site),
    ...operateRoutes(site),
    ...roomSettingsRoutes(site),
    ...incomingWebhookRoutes(site),
    ...sessionRoutes(site, limits),
    ...pageRoutes(site),
    ...liveRoutes(site),
    ...logTextRoutes(site),
    ...changePageRoutes(site),
    ...actPageRoutes(site),
    ...roomSettingsPageRoutes(site),
    ...webhookPageRoutes(site),
    ...moderationPageRoutes(site),
    ...operatePageRoutes(site),
    // After the pages that have a name.
    ...messagePageRoutes(site),
    ...doctorRoutes(site, limits),
    ...assetRoutes(site),
    ...siteFileRoutes(site),
    ...operationRoutes(site),
  ];
  return [...routes, ...openApiRoutes()];
}
