import type { Member } from "../../protocol/event.ts";
import { type Html, html, link } from "./html.ts";
import { type Language, wordsOf } from "./language.ts";
import type { LogChoice } from "./log-choice.ts";

/**
 * Everything that each page needs. `here` is the page's path without the base path. Scripts, styles
 * and icon are whole URLs.
 */
export type PageLayout = {
  language: Language;
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
  icon: string;
  /** The icon of a page with messages that its reader has not seen. */
  unreadIcon: string;
  formToken: string;
  /**
   * The name of the visitor's network, under which a browser remembers which transports work there.
   */
  network: string;
  member?: Member;
};

/**
 * The head of a page. `name` is the class of its body, for the style sheet. `isPlain` leaves the
 * script out.
 */
export type PageHead = { name: string; title: string; isPlain?: boolean; head?: Html | undefined };

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
<title>${page.title}</title>
<meta name="description" content="${wordsOf(layout.language).description}">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f6f0e4" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#1b1815" media="(prefers-color-scheme: dark)">
<link rel="icon" type="image/svg+xml" href="${link(layout.icon)}" data-unread="${link(layout.unreadIcon)}">
${styleAndScript(layout, page)}
${page.head}
</head>
<body class="${page.name}">`;
}

/**
 * [IE6–9] read the content of conditional comments, which are plain comments to all other browsers,
 * and have to know the names of newer elements before the body. Browsers without modules replace
 * the style by script, because it needs custom properties.
 */
function styleAndScript(layout: PageLayout, { isPlain }: PageHead): Html {
  const legacy = link(layout.legacyScript);
  const legacyStyle = link(layout.legacyStyle);
  return html`<!--[if lte IE 9]><link rel="stylesheet" href="${legacyStyle}">${!isPlain && html`<script src="${legacy}"></script>`}<![endif]-->
<!--[if !IE]><!--><link rel="stylesheet" href="${link(layout.style)}">
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
  return html`<a class="home" href="${link(`${layout.basePath}/`)}">chattera</a>`;
}

/** Renders the hidden field that proves that a form comes from a page of this site. */
export function formToken(layout: PageLayout): Html {
  return html`<input type="hidden" name="form_token" value="${layout.formToken}">`;
}
