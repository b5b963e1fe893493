import type { Context } from "koa";

/** Does the browser say that another site's page made it send this? What says nothing is no browser, or an old one. */
export function isForeign(ctx: Context): boolean {
  const site = ctx.get("Sec-Fetch-Site");
  const from = ctx.get("Origin");
  return site ? site !== "same-origin" && site !== "none" : from !== "" && hostOf(from) !== ctx.state.host;
}

/** The host an Origin names; `Origin: null` (a sandboxed frame, a redirect across sites) is nobody's. */
export function hostOf(from: string): string | undefined {
  return URL.canParse(from) ? new URL(from).host : undefined;
}
