import type { Member } from "../../protocol/event.ts";
import { parsed, tabStore } from "./browser-store.ts";
import type { Page } from "./page.ts";

/** A session that this tab keeps itself, for a network that loses cookies or lets no POST through. */
export type KeptSession = { token: string; member: Member; rooms: string[] };

/** Keeps who has entered a room; `base` names the site. */
export function keepSession(base: string, token: string, member: Member, room: string): void {
  const known = load(base);
  const rooms = known?.member.id === member.id ? known.rooms.filter((slug) => slug !== room) : [];
  save(base, { token, member, rooms: [...rooms, room] });
}

/** Forgets who is in a room; of no room in particular: the session is not good any more. Says whether there was one. */
export function forgetSession(base: string, room?: string): boolean {
  const known = load(base);
  const rooms = room === undefined ? [] : (known?.rooms.filter((slug) => slug !== room) ?? []);
  save(base, known && rooms.length > 0 ? { ...known, rooms } : undefined);
  return known !== undefined;
}

/**
 * Turns a page that the server wrote for a visitor into the member's that this tab knows him to be. Where the server
 * knows as well, by the cookie, the kept session has done its service.
 */
export function becomeMember(page: Page): void {
  const { base } = page.address;
  const known = load(base);
  if (known === undefined) return;
  const isSame = page.me.id === "" || page.me.id === known.member.id;
  if (page.present || !isSame) {
    forgetSession(base, page.room);
    return;
  }
  if (!known.rooms.includes(page.room)) return;
  page.me = known.member;
  page.present = true;
  page.address.token = known.token;
  putForms(document.getElementById("enter") as HTMLElement);
}

/** The member's forms came with the visitor's as a text, our own server's markup. */
function putForms(enterForm: HTMLElement): void {
  const forms = document.createRange().createContextualFragment(enterForm.dataset.entered ?? "");
  document.querySelector(".bar-end")?.prepend(forms.querySelector(".leave") as HTMLElement);
  enterForm.replaceWith(forms.querySelector("#say") as HTMLElement);
}

function load(base: string): KeptSession | undefined {
  return parsed(storeOf(base).load()) as KeptSession | undefined;
}

function save(base: string, session: KeptSession | undefined): void {
  storeOf(base).save(session === undefined ? "" : JSON.stringify(session));
}

function storeOf(base: string) {
  return tabStore(`chattera:session:${base}`);
}
