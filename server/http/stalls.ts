import Router from "@koa/router";
import type Koa from "koa";
import type { Context, Middleware } from "koa";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";

/** Watches for requests that block the event loop. */
export type Stalls = {
  /** The outermost middleware. It follows each request from its first to its last step. */
  watch: Middleware;
  stop(): void;
};

/** A stall that everyone connected to this process notices, and the shortest one that is logged. */
const STALL_MS = 250;

/**
 * The longest delay in noticing a stall outside of the timed steps: a fifth of the shortest stall.
 */
const TICK_MS = 50;

/**
 * Half of the shortest stall. With less CPU time than this, the process itself caused no stall. It
 * was suspended, as by SIGSTOP or with its machine, or other programs had the CPU.
 */
const OWN_CPU_MS = STALL_MS / 2;

/**
 * The CPU time at the start of a stall may be this number of ticks old: 200 ms of a busy process
 * count as the stall's.
 */
const CPU_TICKS = 4;

/** The most routes that are logged if no single request is the cause. */
const NAMED_MAX = 5;

/**
 * Logs each stall of the event loop above 250 ms, with the route of the request that caused it, and
 * counts it. If the process used little CPU during the stall, its own code is not the cause: that
 * is logged at info and not counted.
 *
 * A request's code runs in steps: from its arrival, or from the end of its body, until it first
 * waits. These steps are timed exactly. A later step, when an answer of the database resumes the
 * request, has no beginning that could be observed without async_hooks, which would cost every
 * request more than the watch is worth. Such a request is recognized by its end, if that follows
 * right after the stall; otherwise the log names all running routes. The watch costs 0.3 µs per
 * request; a message takes 340 µs.
 */
export function watchStalls(app: Koa, { logger, metrics }: { logger: Logger; metrics: Metrics }): Stalls {
  // Not a Set: its old tables keep finished requests alive until the next full garbage collection.
  const underWay: Context[] = [];
  let running: Context | undefined;
  let markedAt = performance.now();
  let tickDueAt = markedAt + TICK_MS;
  let cpu = process.cpuUsage();
  let ticks = 0;

  const timer = setInterval(() => {
    mark();
    tickDueAt = markedAt + TICK_MS;
    ticks += 1;
    // The call takes 0.3 ms: at each tick it would be 0.7 % of a core.
    if (ticks % CPU_TICKS === 0) cpu = process.cpuUsage();
  }, TICK_MS).unref();

  return { watch, stop: () => clearInterval(timer) };

  async function watch(ctx: Context, next: () => Promise<unknown>): Promise<void> {
    ctx.state.stallIndex = underWay.push(ctx) - 1;
    mark(ctx);
    if (ctx.method === "POST") ctx.req.once("end", () => followBody(ctx));
    const answered = next();
    suspend(ctx);
    try {
      await answered;
    } finally {
      remove(ctx);
      mark(undefined, ctx);
    }
  }

  /** Removes a request and puts the last one in its place. */
  function remove(ctx: Context): void {
    const last = underWay.pop() as Context;
    if (last === ctx) return;
    underWay[ctx.state.stallIndex] = last;
    last.state.stallIndex = ctx.state.stallIndex;
  }

  /**
   * Times the step after a body: all that waited for the body runs as microtasks, and Node's next
   * tick follows the last of them.
   */
  function followBody(ctx: Context): void {
    mark(ctx);
    queueMicrotask(() => process.nextTick(suspend, ctx));
  }

  function suspend(ctx: Context): void {
    if (running === ctx) mark();
  }

  /** Ends one step, and begins a step of the request `next`. */
  function mark(next?: Context, ended?: Context): void {
    const now = performance.now();
    // Before the tick was due, the loop may have been idle.
    const from = running ? markedAt : Math.max(markedAt, tickDueAt);
    if (now - from > STALL_MS) report(now - from, running, ended);
    running = next;
    markedAt = now;
  }

  function report(ms: number, stepOf: Context | undefined, ended: Context | undefined): void {
    const { user, system } = process.cpuUsage(cpu);
    const cpuMs = Math.round((user + system) / 1000);
    if (cpuMs < OWN_CPU_MS) {
      logger.info({ ms: Math.round(ms), cpuMs }, "process did not run");
      return;
    }
    const culprit = stepOf ?? (ended && !ended.state.isParked ? ended : undefined);
    const blamed = culprit ? { method: culprit.method, route: routeOf(app, culprit) } : unknown();
    metrics.stalls.inc();
    logger.warn({ ...blamed, ms: Math.round(ms), cpuMs }, "event loop blocked");
  }

  function unknown(): { route: string; underWay: string[] } {
    const underWay = routesUnderWay();
    return { route: underWay.length > 0 ? "unknown" : "no request", underWay };
  }

  function routesUnderWay(): string[] {
    const active = underWay.filter((ctx) => !ctx.state.isParked);
    return [...new Set(active.map((ctx) => `${ctx.method} ${routeOf(app, ctx)}`))].slice(0, NAMED_MAX);
  }
}

/** Marks a request that waits for an event or a timer. It is not the cause of a stall meanwhile. */
export function park(ctx: Context): void {
  ctx.state.isParked = true;
}

/**
 * Returns the pattern of the route that answers a request, also of one that has not been routed
 * yet.
 */
function routeOf(app: Koa, ctx: Context): string {
  if (ctx._matchedRoute) return String(ctx._matchedRoute);
  for (const middleware of app.middleware) {
    const { router } = middleware as { router?: unknown };
    const layer = router instanceof Router && router.match(ctx.path, ctx.method).pathAndMethod.at(-1);
    if (layer) return String(layer.path);
  }
  return "no route";
}
