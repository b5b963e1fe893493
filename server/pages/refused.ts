import { PATHS } from "../../protocol/paths.ts";
import { html, link } from "./html.ts";
import { refusalText, wordsOf } from "./language.ts";
import { homeLink, languageSwitch, type PageFrame, renderDocument } from "./layout.ts";

/** The page for what could not be done: why, in a sentence, and the way back; or, after a while, the same once more. */
export function renderRefused(
  frame: PageFrame,
  view: { status: number; code: string; refreshSeconds?: number },
): string {
  const words = wordsOf(frame.language);
  const body = html`<header class="bar">${homeLink(frame)}<nav class="bar-end">${languageSwitch(frame)}</nav></header>
<main class="refused" data-status="${view.status}" data-code="${view.code}">
<h1>${words.problemTitle}</h1>
<p class="problem">${refusalText(words, view.code)}</p>
<p><a class="button" href="${link(frame.basePath + PATHS.lobby)}">${words.back}</a></p>
</main>`;
  const head = view.refreshSeconds && html`<meta http-equiv="refresh" content="${view.refreshSeconds}">`;
  return renderDocument(frame, {
    name: "refused-page",
    title: `${words.problemTitle} — chattera`,
    head: head || undefined,
    body,
  });
}
