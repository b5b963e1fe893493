import { setTimeout } from "node:timers/promises";
import Router from "@koa/router";
import { Gauge } from "prom-client";
import { TRANSPORTS } from "../delivery/reader.ts";
import type { Site } from "../site.ts";

/** A balancer's own patience with a check is seldom longer. */
const DATABASE_PATIENCE_MS = 2_000;

/** For those who run the site: does it live, is it ready, what does it count. */
export function operationRoutes(site: Site): Router {
  const router = new Router();
  countReaders(site);

  router.get("/healthz", (ctx) => {
    ctx.body = { status: "ok" };
  });

  router.get("/readyz", async (ctx) => {
    const answers = site.db.raw("select 1").then(
      () => true,
      () => false,
    );
    const database = await Promise.race([answers, setTimeout(DATABASE_PATIENCE_MS, false, { ref: false })]);
    const checks = { database, bus: site.bus.isSound(), serving: !site.isDraining };
    const isReady = Object.values(checks).every(Boolean);
    ctx.status = isReady ? 200 : 503;
    ctx.body = { status: isReady ? "ready" : "not ready", checks };
  });

  router.get("/metrics", async (ctx) => {
    ctx.type = site.metrics.registry.contentType;
    ctx.body = await site.tellMetrics();
  });

  return router;
}

/** When it is asked for, not with each of 10 000 polls a second. */
function countReaders({ hub, metrics }: Site): void {
  new Gauge({
    name: "chattera_readers",
    help: "Connections that receive events, by transport",
    labelNames: ["transport"],
    registers: [metrics.registry],
    collect() {
      for (const transport of TRANSPORTS) this.set({ transport }, 0);
      for (const { transport } of hub.readers) this.inc({ transport: transport.name });
    },
  });
}
