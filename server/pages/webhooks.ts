import { settingsPath } from "../../protocol/tool-paths.ts";
import { webhooksPage } from "../../protocol/webhook-paths.ts";
import { problemLine } from "./enter-fields.ts";
import { textField } from "./form-fields.ts";
import { type Html, html, link } from "./html.ts";
import { type Problem, wordsOf } from "./language.ts";
import { formToken, type PageLayout } from "./layout.ts";
import { renderRoomDocument } from "./room-document.ts";
import { timeStamp } from "./time-stamp.ts";

/** The page of a room's incoming webhooks. `made` is the address of one that was just made. */
export type WebhooksView = {
  room: { slug: string; title: string };
  webhooks: { id: string; name: string; usedAt: string | undefined }[];
  made?: string | undefined;
  problem?: Problem | undefined;
};

/** Renders the page that makes and revokes incoming webhooks, with forms for every browser. */
export function renderWebhooks(layout: PageLayout, view: WebhooksView): string {
  const { webhooks: words, settings } = wordsOf(layout.language).moderation;
  const { slug } = view.room;
  const action = link(layout.basePath + webhooksPage(slug));
  const body = html`<p>${words.lead}</p>
${problemLine(layout, view.problem)}
${view.made !== undefined && madeNow(layout, view.made)}
<section class="tool-group" aria-labelledby="webhooks-title">
<h3 id="webhooks-title">${words.list}</h3>
${view.webhooks.length === 0 ? html`<p class="hint">${words.none}</p>` : html`<ul class="tool-list">${view.webhooks.map(item(layout, action))}</ul>`}
</section>
<form id="make-webhook" class="tool-form" method="post" action="${action}">
${formToken(layout)}${textField({ name: "name", label: words.name, hint: words.nameHint })}
<p class="change-buttons"><button class="button" type="submit">${words.make}</button></p>
</form>
<p class="change-buttons"><a class="button quiet" href="${link(layout.basePath + settingsPath(slug))}">${settings.title}</a></p>`;
  return renderRoomDocument(layout, { room: view.room, title: words.title, body, id: "webhooks-page" });
}

function madeNow(layout: PageLayout, address: string): Html {
  const { webhooks: words } = wordsOf(layout.language).moderation;
  return html`<div class="tool-group" role="status">
<p>${words.made}</p>
<div class="field"><label for="webhook-address">${words.address}</label>
<input id="webhook-address" class="share-address" value="${address}" readonly dir="ltr"></div>
</div>`;
}

function item(layout: PageLayout, action: Html): (webhook: WebhooksView["webhooks"][number]) => Html {
  const { webhooks: words } = wordsOf(layout.language).moderation;
  return ({
    id,
    name,
    usedAt,
  }) => html`<li><span dir="auto">${name}</span> <span class="hint">${usedAt === undefined ? words.unused : html`${words.used} ${timeStamp(layout, usedAt)}`}</span> <form class="inline-form" method="post" action="${action}">${formToken(layout)}<input type="hidden" name="revoke" value="${id}"><button class="button quiet small" type="submit" aria-label="${`${words.revoke}: ${name}`}">${words.revoke}</button></form></li>
`;
}
