import type { Context } from "koa";
import { refuse } from "../refusal.ts";
import type { Tokens } from "../token.ts";
import type { Guards } from "./guards.ts";
import { cookieOf, type Session, setVisitCookie } from "./session.ts";
import type { Source } from "./source.ts";

/**
 * Makes the token of this visitor's forms, which proves that a request comes from a page made for this browser. It is
 * bound to the member or, for a visitor without a session, to a random cookie that goes out with the page.
 */
export function formTokenOf(ctx: Context, tokens: Tokens): string {
  const session: Session | undefined = ctx.state.session;
  return tokens.formToken(session?.member.id ?? cookieOf(ctx, "visit") ?? setVisitCookie(ctx));
}

/**
 * Refuses a change that another site's page may have caused. Throws `forbidden`.
 *
 * | source | lets through |
 * | own | all |
 * | listed | what a token authorizes; the cookie has not counted |
 * | other-site | nothing |
 * | other-host | what a form token proves; it is another site, or this one behind a proxy that hides its name |
 * | unknown | a program or an old browser: what a token authorizes, or a form token proves; else only what no page does |
 *
 * A GET that changes something never has the cookie's word, or gives nothing away by it: of an unknown source it passes.
 */
export function assertMayChange(ctx: Context, guards: Guards, source: Source, tokens: Tokens): void {
  if (!mayChange(ctx, guards, source, tokens)) throw refuse("forbidden");
}

function mayChange(ctx: Context, guards: Guards, source: Source, tokens: Tokens): boolean {
  const session: Session | undefined = ctx.state.session;
  if (source === "own") return true;
  if (source === "listed") return !guards.page;
  if (source === "other-site") return false;
  if (source === "other-host") return ctx.method === "POST" && isBound();
  if (ctx.method === "GET" || session?.by === "token") return true;
  if (session?.by === "cookie") return isBound();
  return !guards.page || tokens.readFormToken(formToken()) !== undefined;

  /** Was the form token made for this very browser? */
  function isBound(): boolean {
    const binding = tokens.readFormToken(formToken());
    return binding !== undefined && binding === (session?.member.id ?? cookieOf(ctx, "visit"));
  }

  function formToken(): string {
    const { form_token: token } = ctx.state.body as { form_token?: unknown };
    return typeof token === "string" ? token : "";
  }
}
