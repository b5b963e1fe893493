import Router from "@koa/router";
import type { Site } from "../site.ts";

/** For those who run the site: does it live, is it ready, what does it count. */
export function operationRoutes(site: Site): Router {
  const router = new Router();

  router.get("/healthz", (ctx) => {
    ctx.body = { status: "ok" };
  });

  router.get("/readyz", async (ctx) => {
    const database = await site.db.raw("select 1").then(
      () => true,
      () => false,
    );
    const checks = { database, bus: site.bus.hears(), serving: !site.isDraining };
    const isReady = Object.values(checks).every(Boolean);
    ctx.status = isReady ? 200 : 503;
    ctx.body = { status: isReady ? "ready" : "not ready", checks };
  });

  router.get("/metrics", async (ctx) => {
    ctx.type = site.metrics.registry.contentType;
    ctx.body = await site.metrics.registry.metrics();
  });

  return router;
}
