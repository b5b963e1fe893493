import { PATHS } from "../../protocol/paths.ts";
import { html, link } from "./html.ts";
import { refusalText, wordsOf } from "./language.ts";
import { homeLink, languageSwitch, type PageFrame, renderDocument } from "./layout.ts";
import { type FormView, messageForm } from "./room.ts";

/**
 * The page for what could not be done: why, in a sentence, and the way back; or, after a while, the same once more. A
 * message that was not said is there to be said again.
 */
export function renderRefused(
  frame: PageFrame,
  view: {
    status: number;
    code: string;
    wording?: string;
    retrySeconds?: number | undefined;
    refreshSeconds?: number;
    unsent?: FormView;
  },
): string {
  const words = wordsOf(frame.language);
  const body = html`<header class="bar">${homeLink(frame)}<nav class="bar-end">${languageSwitch(frame)}</nav></header>
<main class="refused" data-status="${view.status}" data-code="${view.code}">
<h1>${words.problemTitle}</h1>
<p class="problem">${refusalText(words, { wording: view.wording ?? view.code, retrySeconds: view.retrySeconds })}</p>
${view.unsent && messageForm(frame, view.unsent)}
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
