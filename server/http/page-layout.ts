import type { Context } from "koa";
import { formTokenOf } from "../guard/proof.ts";
import type { Session } from "../guard/session.ts";
import { readHost } from "../guard/source.ts";
import { chooseLanguage } from "../pages/language.ts";
import type { PageLayout } from "../pages/layout.ts";
import type { Site } from "../site.ts";
import { ASSETS } from "./assets.ts";
import { embedOf } from "./embed.ts";
import { logChoiceOf } from "./log-choice.ts";

/** The name of the cookie that stores the chosen language. */
export const LANGUAGE_COOKIE = "language";

/**
 * Text browsers show all of what can be opened elsewhere. Nothing but their names distinguishes
 * them from the others.
 */
const SHOWS_ALL = /^(w3m|Lynx|edbrowse|E?Links)\b/i;

/**
 * Returns the properties of a request that every page needs. The request may have been refused
 * early, before all guards ran.
 */
export function pageLayout(ctx: Context, site: Site): PageLayout {
  const base: string = ctx.state.base ?? site.config.basePath;
  const session: Session | undefined = ctx.state.session;
  const { siteName, siteDescription, siteRules, language, timeZone, editMinutes } = site.config;
  const embed = embedOf(ctx);
  const { scheme } = embed;
  const themeStyle = scheme === undefined ? site.theme.style : site.theme.inScheme[scheme];
  const layout: PageLayout = {
    scheme,
    language: embed.language ?? chooseLanguage(ctx.cookies.get(LANGUAGE_COOKIE), ctx.get("Accept-Language"), language),
    site: { name: siteName, description: siteDescription, rules: siteRules },
    origin: originOf(ctx),
    isHiddenFromSearch: ctx.state.isHiddenFromSearch === true,
    paper: { light: site.theme.light.paper as string, dark: site.theme.dark.paper as string },
    timeZone,
    editMinutes,
    view: logChoiceOf(ctx),
    canOpen: !SHOWS_ALL.test(ctx.get("User-Agent")),
    basePath: base,
    here: ctx.path,
    script: `${base}/assets/${ASSETS.script}`,
    style: `${base}/assets/${scheme === undefined ? ASSETS.style : ASSETS[`${scheme}Style`]}`,
    legacyScript: `${base}/assets/${ASSETS.legacyScript}`,
    legacyStyle: `${base}/assets/${ASSETS.legacyStyle}`,
    themeStyle: themeStyle && `${base}/assets/${themeStyle.file}`,
    toolStyle: `${base}/assets/${ASSETS.toolStyle}`,
    icon: `${base}/assets/${ASSETS.icon}`,
    unreadIcon: `${base}/assets/${ASSETS.unreadIcon}`,
    touchIcon: `${base}/assets/${ASSETS.touchIcon}`,
    largeIcon: `${base}/assets/${ASSETS.largeIcon}`,
    // A getter: only pages with a form need it, and it sets a cookie for a visitor without a
    // session.
    get formToken() {
      return formTokenOf(ctx, site.tokens);
    },
    network: site.tokens.network(ctx.state.address ?? ""),
  };
  if (session) layout.member = session.member;
  if (session?.owner !== undefined) layout.hasFixedName = true;
  return layout;
}

/**
 * Returns the site's origin as the visitor's browser sees it, for addresses that leave the page.
 * Empty if the request names no host, or one that is none.
 */
export function originOf({ state: { host, isSecure } }: Context): string {
  return readHost(host ?? "") === undefined ? "" : `${isSecure ? "https" : "http"}://${host}`;
}
