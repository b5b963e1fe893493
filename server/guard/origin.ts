import type { Context, Middleware } from "koa";
import { refuse } from "../refusal.ts";
import type { Tokens } from "../token.ts";
import { hostOf } from "./foreign.ts";
import { READING_PATH, type Session } from "./session.ts";

/**
 * What changes something by the cookie alone must come from a page of ours: Sec-Fetch-Site says so, else Origin; a
 * browser that sends neither sends the form's token. Throws `forbidden`. A bearer's token is proof enough by itself.
 */
export function origin(tokens: Tokens): Middleware {
  return async (ctx, next) => {
    const session: Session | undefined = ctx.state.session;
    const isForm = /^\/($|rooms\/)/.test(ctx.path);
    // a form without a session changes something too: it would give a stranger's nickname to this browser
    const mustProve = session ? session.by === "cookie" && !READING_PATH.test(ctx.path) : isForm;
    if (ctx.method === "POST" && mustProve) assertOurPage(ctx, tokens, session);
    await next();
  };
}

function assertOurPage(ctx: Context, tokens: Tokens, session: Session | undefined): void {
  const site = ctx.get("Sec-Fetch-Site");
  const from = ctx.get("Origin");
  const isOurs = site ? site === "same-origin" : from ? hostOf(from) === ctx.state.host || isOwnForm() : hasFormToken();
  if (!isOurs) throw refuse("forbidden");

  /** [nginx] proxy_pass sends its own Host unless told otherwise. A token that only this session's pages have is proof. */
  function isOwnForm(): boolean {
    return session !== undefined && hasFormToken();
  }

  function hasFormToken(): boolean {
    const { form_token: token } = ctx.state.body as { form_token?: unknown };
    return typeof token === "string" && tokens.isFormToken(token, session?.member.id ?? "");
  }
}
