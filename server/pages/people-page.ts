import type { Member } from "../../protocol/event.ts";
import { peoplePath, personActsPath } from "../../protocol/tool-paths.ts";
import { type Html, html, link } from "./html.ts";
import { wordsOf } from "./language.ts";
import type { PageLayout } from "./layout.ts";
import { nicknameOf, tagMark, tripOf } from "./people.ts";
import { renderRoomDocument, roomLink } from "./room-document.ts";

/** A page of the people in a room. `next` is where the following page begins. */
export type PeoplePageView = {
  room: { slug: string; title: string };
  members: Member[];
  next?: string | undefined;
  mayModerate: boolean;
};

/** Renders the people of a room, each with a link to what can be done about them. */
export function renderPeoplePage(layout: PageLayout, { room, members, next, mayModerate }: PeoplePageView): string {
  const words = wordsOf(layout.language);
  const label = mayModerate ? words.moderation.acts.moderate : words.moderation.acts.link;
  const items = members.map(
    (member) =>
      html`<li class="person" data-color="${member.color}">${nicknameOf(member)}${tagMark(member)} ${member.trip !== undefined && tripOf(member)} ${member.id !== layout.member?.id && html`<a class="act" href="${link(layout.basePath + personActsPath(room.slug, member.id))}" rel="nofollow">${label}</a>`}</li>\n`,
  );
  const more = `${layout.basePath}${peoplePath(room.slug)};after=${next}`;
  const body = html`<ul class="members tool-list">
${items}</ul>
${items.length === 0 && html`<p class="hint">${words.nobodyHere}</p>`}
${next !== undefined && html`<p><a class="button quiet" href="${link(more)}">${words.moderation.more}</a></p>`}
${roomLink(layout, room.slug, words.moderation.backToRoom)}`;
  return renderRoomDocument(layout, { room, title: words.people, body, id: "people-page" });
}

/** Renders the link to that page. */
export function peopleLink(layout: PageLayout, slug: string): Html {
  const href = link(layout.basePath + peoplePath(slug));
  return html`<a class="people-link" href="${href}" rel="nofollow">${wordsOf(layout.language).moderation.roomState.people}</a>`;
}
