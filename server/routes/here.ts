import type { Context } from "koa";
import { PATHS } from "../../protocol/paths.ts";
import { answer } from "../http/answer.ts";
import { inputOf } from "../http/input.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import { refuse } from "../refusal.ts";
import { confirmationRequest } from "../requests.ts";
import type { Site } from "../site.ts";

/**
 * Returns the routes by which clients confirm that their streams reach them. Only its client knows
 * the nonce of a stream, so no session is needed, and no token is in the URL.
 */
export function hereRoutes(site: Site): Route[] {
  const guards = { api: true, auth: "none", cookie: "never" } as const;
  const handle = (ctx: Context) => takeConfirmation(ctx, site);
  return [
    { method: "GET", path: PATHS.here, guards, handle },
    { method: "POST", path: PATHS.here, guards, handle },
  ];
}

/**
 * Notes that the client of the stream with this nonce confirmed it, on this node or another. Throws
 * `too_many`.
 */
export function confirmStream(ctx: Context, { hub, confirmations, limits }: Site, nonce: string): void {
  if (hub.confirm(nonce)) return;
  limits.confirmations.take(payerOf(ctx));
  if (!confirmations.passOn(nonce)) throw refuse("too_many");
}

function takeConfirmation(ctx: Context, site: Site): void {
  confirmStream(ctx, site, inputOf(ctx).read(confirmationRequest).stream);
  // A connection that was opened for this alone would wait 75 s for the next one: a second socket
  // for each stream.
  if (ctx.req.socket.bytesWritten === 0) ctx.set("Connection", "close");
  answer(ctx, {});
}
