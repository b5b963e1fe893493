import { PATHS } from "../../protocol/paths.ts";
import { html, link } from "./html.ts";
import { refusalText, wordsOf } from "./language.ts";
import { homeLink, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";
import { type FormView, messageForm } from "./room.ts";

/**
 * Renders the page for a request that was refused: the reason in a sentence and a link back. With
 * `refreshSeconds` the page tries again. `unsent` is the message that was refused, which can be
 * sent again.
 */
export function renderRefused(
  layout: PageLayout,
  view: {
    status: number;
    code: string;
    wording?: string;
    retrySeconds?: number | undefined;
    refreshSeconds?: number;
    unsent?: FormView;
  },
): string {
  const words = wordsOf(layout.language);
  const body = html`<header class="bar">${homeLink(layout)}<nav class="bar-end">${languageSwitch(layout)}</nav></header>
<main class="refused" data-status="${view.status}" data-code="${view.code}">
<h1>${words.problemTitle}</h1>
<p class="problem">${refusalText(words, { wording: view.wording ?? view.code, retrySeconds: view.retrySeconds })}</p>
${view.unsent && messageForm(layout, view.unsent)}
<p><a class="button" href="${link(layout.basePath + PATHS.lobby)}">${words.back}</a></p>
</main>`;
  const head = view.refreshSeconds && html`<meta http-equiv="refresh" content="${view.refreshSeconds}">`;
  return renderDocument(layout, {
    name: "refused-page",
    title: `${words.problemTitle} — chattera`,
    head: head || undefined,
    body,
  });
}
