import type { Context } from "koa";
import { cookieOf, VISIT_LENGTH } from "../guard/session.ts";
import type { Site } from "../site.ts";

/**
 * Returns the cookie that every browser gets with a page, if the request has one as we make them.
 */
export function browserOf(ctx: Context, { tokens }: Pick<Site, "tokens">): string | undefined {
  const cookie = cookieOf(ctx, tokens, "visit");
  return cookie?.length === VISIT_LENGTH ? cookie : undefined;
}
