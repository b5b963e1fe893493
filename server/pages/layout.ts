import type { Member } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import { type Html, html, link } from "./html.ts";
import { type Language, wordsOf } from "./language.ts";
import type { LogChoice } from "./log-choice.ts";

/**
 * Everything that each page needs. `here` is the page's path without the base path. Scripts, styles
 * and icon are whole URLs.
 */
export type PageLayout = {
  language: Language;
  /** The scheme that the page around a frame chooses; otherwise the browser does. */
  scheme: "light" | "dark" | undefined;
  /** The site's own name, and its description and rules if it has any. */
  site: { name: string; description: string | undefined; rules: string | undefined };
  /** The beginning of whole addresses, "" if it is not known. */
  origin: string;
  /** The page must not be found by search engines. */
  isHiddenFromSearch: boolean;
  /** The color of the page by day and by night, for the browser's own bars. */
  paper: { light: string; dark: string };
  /** The site's time zone, by its IANA name. */
  timeZone: string;
  /** How the reader wants to read a log. */
  view: LogChoice;
  /** Can the browser open and close a part of a page? Text browsers would show all of it. */
  canOpen: boolean;
  basePath: string;
  here: string;
  script: string;
  style: string;
  /** For browsers without modules. */
  legacyScript: string;
  legacyStyle: string;
  /** The site's own colors, if it has any. */
  themeStyle: string | undefined;
  /** For the pages of owners, moderators and operators. */
  toolStyle: string;
  icon: string;
  /** The icon of a page with messages that its reader has not seen. */
  unreadIcon: string;
  touchIcon: string;
  largeIcon: string;
  formToken: string;
  /** For how many minutes one's own message can be edited and erased. */
  editMinutes: number;
  /**
   * The name of the visitor's network, under which a browser remembers which transports work there.
   */
  network: string;
  member?: Member;
  /** Name and color of the member belong to its account at the host of the site. */
  hasFixedName?: boolean;
};

/**
 * The head of a page. `name` is the class of its body, for the style sheet, and `title` is without
 * the site's name. `isPlain` leaves the script out. A page with a `card` can be shown elsewhere, as
 * messengers do with a link.
 */
export type PageHead = {
  name: string;
  title: string | undefined;
  isPlain?: boolean;
  /** The page has forms and tables for owners, moderators and operators. */
  usesTools?: boolean;
  head?: Html | undefined;
  card?: PageCard | undefined;
};

/** How a link to a page is shown elsewhere. */
type PageCard = { title: string; path: string };

/** Renders a whole document around a page's body. */
export function renderDocument(layout: PageLayout, page: PageHead & { body: Html }): string {
  return html`${documentStart(layout, page)}
${page.body}
${documentEnd()}`.toString();
}

/** Renders the document up to its body, for a page that is written piece by piece. */
export function documentStart(layout: PageLayout, page: PageHead): Html {
  return html`<!doctype html>
<html lang="${layout.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="X-UA-Compatible" content="IE=edge">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content">
<title>${page.title === undefined ? layout.site.name : `${page.title} — ${layout.site.name}`}</title>
<meta name="description" content="${descriptionOf(layout)}">
${layout.isHiddenFromSearch ? html`<meta name="robots" content="noindex">` : page.card && cardTags(layout, page.card)}
<meta name="color-scheme" content="${layout.scheme ?? "light dark"}">
<meta name="theme-color" content="${layout.paper.light}" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="${layout.paper.dark}" media="(prefers-color-scheme: dark)">
<meta name="application-name" content="${layout.site.name}">
<link rel="icon" type="image/svg+xml" href="${link(layout.icon)}" data-unread="${link(layout.unreadIcon)}">
<link rel="apple-touch-icon" href="${link(layout.touchIcon)}">
<link rel="manifest" href="${link(layout.basePath + PATHS.manifest)}">
${styleAndScript(layout, page)}
${page.head}
</head>
<body class="${page.name}">`;
}

/** Returns the site's own description, or that of chattera. */
export function descriptionOf({ site, language }: PageLayout): string {
  return site.description ?? wordsOf(language).description;
}

/** [ogp.me] Renders what messengers show of a link. They take whole addresses only. */
function cardTags(layout: PageLayout, { title, path }: PageCard): Html {
  const { origin, basePath, site, largeIcon, language } = layout;
  return html`<meta property="og:type" content="website">
<meta property="og:site_name" content="${site.name}">
<meta property="og:title" content="${title}">
<meta property="og:description" content="${descriptionOf(layout)}">
<meta property="og:locale" content="${language === "ja" ? "ja_JP" : "en_US"}">
${
  origin !== "" &&
  html`<meta property="og:url" content="${link(origin + basePath + path)}">
<meta property="og:image" content="${link(origin + largeIcon)}">`
}`;
}

/**
 * [IE6–9] read the content of conditional comments, which are plain comments to all other browsers,
 * and have to know the names of newer elements before the body. Browsers without modules replace
 * the style by script, because it needs custom properties.
 */
function styleAndScript(layout: PageLayout, { isPlain, usesTools }: PageHead): Html {
  const legacy = link(layout.legacyScript);
  const legacyStyle = link(layout.legacyStyle);
  return html`<!--[if lte IE 9]><link rel="stylesheet" href="${legacyStyle}">${!isPlain && html`<script src="${legacy}"></script>`}<![endif]-->
<!--[if !IE]><!--><link rel="stylesheet" href="${link(layout.style)}">${usesTools && html`<link rel="stylesheet" href="${link(layout.toolStyle)}">`}${layout.themeStyle && html`<link rel="stylesheet" href="${link(layout.themeStyle)}">`}
${!isPlain && html`<script type="module" src="${link(layout.script)}"></script><script nomodule defer src="${legacy}" data-style="${legacyStyle}"></script>`}<!--<![endif]-->`;
}

/** Renders the end of a document. */
export function documentEnd(): Html {
  return html`</body>
</html>
`;
}

/** Renders the link to the same page in the other language. */
export function languageSwitch(layout: PageLayout): Html {
  const other = layout.language === "ja" ? "en" : "ja";
  const href = link(`${layout.basePath}${layout.here}?language=${other}`);
  const label = wordsOf(layout.language).otherLanguage;
  return html`<a class="language" href="${href}" lang="${other}" hreflang="${other}" rel="nofollow">${label}</a>`;
}

/** Renders the site's name as a link to the lobby. */
export function homeLink(layout: PageLayout): Html {
  return html`<a class="home" href="${link(`${layout.basePath}/`)}">${layout.site.name}</a>`;
}

/** Renders the hidden field that proves that a form comes from a page of this site. */
export function formToken(layout: PageLayout): Html {
  return html`<input type="hidden" name="form_token" value="${layout.formToken}">`;
}
