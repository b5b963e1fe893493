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
  icon: string;
  formToken: string;
  member?: Member;
};

/** A whole document around a page's body. `name` is the page's class, for the style sheet. */
export function renderDocument(frame: PageFrame, page: { name: string; title: string; body: Html }): string {
  return html`<!doctype html>
<html lang="${frame.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content">
<title>${page.title}</title>
<meta name="description" content="${wordsOf(frame.language).description}">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f6f0e4" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#1b1815" media="(prefers-color-scheme: dark)">
<link rel="icon" type="image/svg+xml" href="${link(frame.icon)}">
<link rel="stylesheet" href="${link(frame.style)}">
<script type="module" src="${link(frame.script)}"></script>
</head>
<body class="${page.name}">
${page.body}
</body>
</html>
`.toString();
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
