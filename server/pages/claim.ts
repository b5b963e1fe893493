import { claimPath } from "../../protocol/tool-paths.ts";
import { enterFields, problemLine } from "./enter-fields.ts";
import { type Html, html, link } from "./html.ts";
import { type Problem, wordsOf } from "./language.ts";
import { formToken, type PageLayout } from "./layout.ts";
import { renderRoomDocument, roomLink } from "./room-document.ts";

/** The page on which the owner key of a room is used. */
export type ClaimView = {
  room: { slug: string; title: string };
  nickname?: string | undefined;
  problem?: Problem | undefined;
};

/**
 * Renders the page that makes its reader the owner of a room. A reader without a session chooses a
 * nickname too. The script takes the key out of the address, where it is behind `#`: no server and
 * no log sees that part.
 */
export function renderClaim(layout: PageLayout, { room, nickname, problem }: ClaimView): string {
  const { claim, backToRoom } = wordsOf(layout.language).moderation;
  const entry = { ...(nickname !== undefined && { nickname }) };
  const body = html`<p>${claim.lead}</p>
<form id="claim" class="change-form" method="post" action="${link(layout.basePath + claimPath(room.slug))}">
${formToken(layout)}${problemLine(layout, problem)}
<div class="field">
<label for="key">${claim.key}</label>
<input id="key" name="key" class="key-field" required autocomplete="off" autocapitalize="off" spellcheck="false">
</div>
${layout.member === undefined && enterFields(layout, entry)}
<p class="change-buttons"><button class="button" type="submit">${claim.button}</button></p>
</form>
${roomLink(layout, room.slug, backToRoom)}`;
  return renderRoomDocument(layout, { room, title: claim.title, body, hasScript: true, id: "claim-page" });
}

/** Renders the owner key of a room that was just created, which is shown only once. */
export function ownerKeyBox(layout: PageLayout, slug: string, key: string): Html {
  const { ownerKey } = wordsOf(layout.language).moderation;
  const address = `${layout.origin}${layout.basePath}${claimPath(slug)}#${key}`;
  return html`<section id="owner-key" class="owner-key" aria-labelledby="owner-key-title">
<h2 id="owner-key-title">${ownerKey.title}</h2>
<p>${ownerKey.lead}</p>
<p><label>${ownerKey.key} <input class="share-address key-field" value="${key}" readonly></label></p>
<p><label>${ownerKey.link} <input class="share-address key-field" value="${address}" readonly></label></p>
</section>`;
}
