import type { Member } from "../../protocol/event.ts";
import { type Html, html, link } from "./html.ts";
import { type Language, wordsOf } from "./language.ts";

/** What every page needs. `here` is the page's path without the base path; the three assets are whole URLs. */
export type PageFrame = {
  language: Language;
  basePath: string;
  here: string;
  script: string;
  style: string;
  /** The same for browsers without modules. */
  legacyScript: string;
  legacyStyle: string;
  icon: string;
  formToken: string;
  /** The visitor's network, under which a browser remembers what works there. */
  network: string;
  member?: Member;
};

/** What stands above a page's body: `name` is its class, for the style sheet; `isPlain` keeps the script away. */
export type PageHead = { name: string; title: string; isPlain?: boolean; head?: Html | undefined };

/** A whole document around a page's body. */
export function renderDocument(frame: PageFrame, page: PageHead & { body: Html }): string {
  return html`${documentStart(frame, page)}
${page.body}
${documentEnd()}`.toString();
}

/** The document up to its body, for a page that is written bit by bit. */
export function documentStart(frame: PageFrame, page: PageHead): Html {
  return html`<!doctype html>
<html lang="${frame.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="X-UA-Compatible" content="IE=edge">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content">
<title>${page.title}</title>
<meta name="description" content="${wordsOf(frame.language).description}">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f6f0e4" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#1b1815" media="(prefers-color-scheme: dark)">
<link rel="icon" type="image/svg+xml" href="${link(frame.icon)}">
${styleAndScript(frame, page)}
${page.head}
</head>
<body class="${page.name}">`;
}

/**
 * [IE6–9] read what stands in conditional comments, and have to know the names of newer elements before the body; for
 * all others those are comments. Who knows no modules swaps the style by script: that needs custom properties.
 */
function styleAndScript(frame: PageFrame, { isPlain }: PageHead): Html {
  const legacy = link(frame.legacyScript);
  const legacyStyle = link(frame.legacyStyle);
  return html`<!--[if lte IE 9]><link rel="stylesheet" href="${legacyStyle}">${!isPlain && html`<script src="${legacy}"></script>`}<![endif]-->
<!--[if !IE]><!--><link rel="stylesheet" href="${link(frame.style)}">
${!isPlain && html`<script type="module" src="${link(frame.script)}"></script><script nomodule defer src="${legacy}" data-style="${legacyStyle}"></script>`}<!--<![endif]-->`;
}

/** The end of the same. */
export function documentEnd(): Html {
  return html`</body>
</html>
`;
}

/** The link to this very page in the other language. */
export function languageSwitch(frame: PageFrame): Html {
  const other = frame.language === "ja" ? "en" : "ja";
  const href = link(`${frame.basePath}${frame.here}?language=${other}`);
  const label = wordsOf(frame.language).otherLanguage;
  return html`<a class="language" href="${href}" lang="${other}" hreflang="${other}" rel="nofollow">${label}</a>`;
}

/** The site's name, leading to the lobby. */
export function homeLink(frame: PageFrame): Html {
  return html`<a class="home" href="${link(`${frame.basePath}/`)}">chattera</a>`;
}

/** Proof for the server that a form comes from a page of ours. */
export function formToken(frame: PageFrame): Html {
  return html`<input type="hidden" name="form_token" value="${frame.formToken}">`;
}
