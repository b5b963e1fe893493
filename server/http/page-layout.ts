import type { Context } from "koa";
import { formTokenOf } from "../guard/proof.ts";
import type { Session } from "../guard/session.ts";
import { chooseLanguage } from "../pages/language.ts";
import type { PageFrame } from "../pages/layout.ts";
import type { Site } from "../site.ts";
import { ASSETS } from "./assets.ts";

/** The cookie that holds a language somebody chose. */
export const LANGUAGE_COOKIE = "language";

/**
 * What every page needs, from the request. The request may be one that was refused early, before
 * the guards were through.
 */
export function pageFrame(ctx: Context, site: Site): PageFrame {
  const base: string = ctx.state.base ?? site.config.basePath;
  const session: Session | undefined = ctx.state.session;
  const frame: PageFrame = {
    language: chooseLanguage(ctx.cookies.get(LANGUAGE_COOKIE), ctx.get("Accept-Language")),
    basePath: base,
    here: ctx.path,
    script: `${base}/assets/${ASSETS.script}`,
    style: `${base}/assets/${ASSETS.style}`,
    legacyScript: `${base}/assets/${ASSETS.legacyScript}`,
    legacyStyle: `${base}/assets/${ASSETS.legacyStyle}`,
    icon: `${base}/assets/${ASSETS.icon}`,
    // made where a page has a form, for it sets a cookie for a visitor without a session
    get formToken() {
      return formTokenOf(ctx, site.tokens);
    },
    network: site.tokens.network(ctx.state.address ?? ""),
  };
  if (session) frame.member = session.member;
  return frame;
}
