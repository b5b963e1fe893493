import { PATHS } from "../../protocol/paths.ts";
import { enterFields } from "./enter-fields.ts";
import { type Html, html, link } from "./html.ts";
import { type Problem, wordsOf } from "./language.ts";
import { formToken, homeLink, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";

/** A page that renames its reader in a room, and what its form contained when it was refused. */
export type RenameView = {
  room: { slug: string; title: string };
  nickname?: string | undefined;
  problem?: Problem;
};

/** Renders the page with which a member takes another nickname or color, without script. */
export function renderRename(layout: PageLayout, { room, nickname, problem }: RenameView): string {
  const { rename, script } = wordsOf(layout.language);
  const here = link(layout.basePath + PATHS.room(room.slug));
  const body = html`<header class="bar">
${homeLink(layout)}
<h1 class="bar-title" dir="auto"><a href="${here}">${room.title}</a></h1>
<nav class="bar-end">${languageSwitch(layout)}</nav>
</header>
<main class="refused">
<h2>${script.rename}</h2>
<form id="rename" class="change-form" method="post" action="${link(layout.basePath + PATHS.renamePage(room.slug))}">
${formToken(layout)}
${enterFields(layout, { ...(nickname !== undefined && { nickname }), ...(problem && { problem }) })}
<p class="change-buttons"><button class="button" type="submit">${rename}</button> <a class="button quiet" href="${here}">${script.cancel}</a></p>
</form>
</main>`;
  return renderDocument(layout, { name: "refused-page", title: script.rename, isPlain: true, body });
}

/** Renders the link to that page, unless the name belongs to an account. */
export function renameLink(layout: PageLayout, slug: string): Html | false {
  if (layout.hasFixedName) return false;
  const href = link(layout.basePath + PATHS.renamePage(slug));
  return html`<a class="rename-link" href="${href}" rel="nofollow">${wordsOf(layout.language).script.rename}</a>`;
}
