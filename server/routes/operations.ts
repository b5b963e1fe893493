import { setTimeout } from "node:timers/promises";
import type { Knex } from "knex";
import type { Context } from "koa";
import { Gauge } from "prom-client";
import { writeNothing } from "../../db/log/log.ts";
import { type DatabaseVitals, databaseVitals } from "../../db/log/vitals.ts";
import { isAnswering } from "../../db/pool/connect.ts";
import { TRANSPORTS } from "../delivery/reader.ts";
import { mayReadMetrics } from "../guard/metrics-reader.ts";
import type { Route } from "../http/route.ts";
import { causeOf } from "../outage.ts";
import { refuse } from "../refusal.ts";
import type { Site } from "../site.ts";

/** Load balancers seldom wait longer for a check. */
const DATABASE_PATIENCE_MS = 2_000;

/** Anyone may ask for readiness, as often as they like. Balancers ask once a second. */
const ASK_EVERY_MS = 1_000;

/** Returns the routes for operators: health, readiness and metrics. */
export function operationRoutes(site: Site): Route[] {
  const guards = { auth: "none", cookie: "never", anyHost: true } as const;
  const isDatabaseHere = askedOnceASecond(() => inTime(isAnswering(site.db)));
  const isStoring = askedOnceASecond(() => inTime(canStore(site)));
  return [
    { method: "GET", path: "/healthz", guards, handle: live },
    { method: "GET", path: "/readyz", guards, handle: ready },
    { method: "GET", path: "/metrics", guards, handle: metrics },
  ];

  function live(ctx: Context): void {
    ctx.body = { status: "ok" };
  }

  async function ready(ctx: Context): Promise<void> {
    const checks = {
      database: await isDatabaseHere(),
      storing: await isStoring(),
      bus: site.bus.isReady(),
      places: !site.hub.slots.isFull(),
      serving: !site.isDraining,
    };
    const { node } = ctx.query;
    // Another node asks for this one, and must not take somebody else's answer for its own.
    if (node !== undefined) Object.assign(checks, { node: node === site.name });
    const isReady = Object.values(checks).every(Boolean);
    ctx.status = isReady ? 200 : 503;
    ctx.body = { status: isReady ? "ready" : "not ready", checks };
  }

  // 404 instead of 403, so that strangers do not learn that there are metrics.
  async function metrics(ctx: Context): Promise<void> {
    if (!mayReadMetrics(ctx, site.config.metricsToken)) throw refuse("no_such_page");
    ctx.type = site.metrics.registry.contentType;
    ctx.body = await site.metricsText();
  }
}

function inTime(answer: Promise<boolean>): Promise<boolean> {
  return Promise.race([answer, setTimeout(DATABASE_PATIENCE_MS, false, { ref: false })]);
}

/**
 * Returns whether the last messages were stored. If not, tries a write, because a balancer sends
 * this node no messages while it is not ready: the disk may be full, or the database read-only.
 */
async function canStore({ db, storing }: Site): Promise<boolean> {
  if (!storing.isOn()) return true;
  try {
    await writeNothing(db);
    storing.succeeded();
  } catch (error) {
    storing.failed(error);
  }
  return !storing.isOn();
}

/**
 * Returns a function that shares one answer among all calls within a second or while it is awaited.
 */
function askedOnceASecond(ask: () => Promise<boolean>): () => Promise<boolean> {
  let answer: Promise<boolean> | undefined;
  let askedAt = 0;
  return () => {
    const now = performance.now();
    if (answer === undefined || now - askedAt >= ASK_EVERY_MS) {
      answer = ask();
      askedAt = now;
    }
    return answer;
  };
}

/** Counts readers when metrics are requested, not with each of 10,000 polls a second. */
export function countReaders({ hub, metrics }: Site): void {
  new Gauge({
    name: "chattera_readers",
    help: "Connections that receive events, by transport; `kept` are poll connections between two polls",
    labelNames: ["transport"],
    registers: [metrics.registry],
    collect() {
      for (const transport of TRANSPORTS) this.set({ transport }, 0);
      for (const { transport } of hub.readers) this.inc({ transport: transport.name });
      // Each reader has a slot, except a poll on a kept connection, which has one itself.
      this.set({ transport: "kept" }, Math.max(0, hub.slots.size - hub.readers.size));
    },
  });
  new Gauge({
    name: "chattera_places",
    help: "Places in use, of CHATTERA_READERS; of workers, all together",
    registers: [metrics.registry],
    collect() {
      this.set(hub.slots.size);
    },
  });
}

/**
 * Reports the vitals of the database, which are read when metrics are requested. While it is away,
 * they keep their last values. Those that it refuses are not a number, and a warning says why,
 * once.
 */
export function watchDatabase({ db, logger, metrics }: Site): void {
  // All workers report the same values.
  const common = { registers: [metrics.registry], aggregator: "max" as const };
  let hasWarned = false;
  const warn = (error: unknown) => {
    if (!hasWarned)
      logger.warn({ cause: causeOf(error) }, "the database refuses figures for /metrics, which are NaN there");
    hasWarned = true;
  };
  const read = oneAtATime(() => vitalsInTime(db, warn));
  new Gauge({
    ...common,
    name: "chattera_database_notification_queue",
    help: "Used part of the queue of notifications, 0 to 1. At 1 nothing can be stored",
    async collect() {
      const vitals = await read();
      if (vitals) this.set(vitals.notificationQueue ?? Number.NaN);
    },
  });
  new Gauge({
    ...common,
    name: "chattera_database_oldest_snapshot",
    help: "Age in transactions of the oldest transaction, snapshot or replication slot that keeps dead rows from being removed",
    async collect() {
      const vitals = await read();
      if (vitals) this.set(vitals.oldestSnapshot ?? Number.NaN);
    },
  });
  new Gauge({
    ...common,
    name: "chattera_database_dead_rows",
    help: "Dead rows of the tables that change most",
    labelNames: ["table"],
    async collect() {
      const vitals = await read();
      if (vitals && !vitals.deadRows) this.set({ table: "unknown" }, Number.NaN);
      for (const { table, rows } of vitals?.deadRows ?? []) this.set({ table }, rows);
    },
  });
}

function vitalsInTime(db: Knex, onRefused: (error: unknown) => void): Promise<DatabaseVitals | undefined> {
  const late = setTimeout(DATABASE_PATIENCE_MS, undefined, { ref: false });
  return Promise.race([databaseVitals(db, onRefused).catch(() => undefined), late]);
}

/** Returns a function whose calls share the answer that is awaited. */
function oneAtATime<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask().finally(() => {
      answer = undefined;
    });
    return answer;
  };
}
