import type { Middleware } from "koa";
import type { Logger } from "../log.ts";

/** Tells each request at `debug` when it is answered; of its address only what stands before `?` and `;`, where no token is. */
export function requestLog(logger: Logger): Middleware {
  return async (ctx, next) => {
    const startedAt = performance.now();
    const path = ctx.path.split(";")[0];
    await next();
    const tookMs = Math.round(performance.now() - startedAt);
    logger.debug({ method: ctx.method, path, status: ctx.res.statusCode, tookMs }, "request");
  };
}
