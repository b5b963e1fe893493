import type { Context, Middleware, Next } from "koa";
import type { Logger } from "../log.ts";

/**
 * Logs each request at `debug` when it is answered, with the part of its path before `?` and `;`,
 * which contains no token.
 */
export function requestLog(logger: Logger): Middleware {
  return (ctx, next) => (logger.isLevelEnabled("debug") ? logged(ctx, next) : next());

  async function logged(ctx: Context, next: Next): Promise<void> {
    const startedAt = performance.now();
    const path = loggedPath(ctx.path.split(";")[0] as string);
    await next();
    const tookMs = Math.round(performance.now() - startedAt);
    logger.debug({ method: ctx.method, path, status: ctx.res.statusCode, tookMs }, "request");
  }
}

/** Returns a path for the log: without the key of an incoming webhook. */
export function loggedPath(path: string): string {
  return path.replace(/(\/api\/webhooks\/).+/, "$1…");
}
