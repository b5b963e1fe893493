import type { Member } from "../../protocol/event.ts";
import type { Page } from "../page.ts";
import { printed } from "../transports/fetch.ts";
import { parsed, tabStore } from "./browser-store.ts";

/** A session that this tab keeps itself, for a network that loses cookies or blocks POST. */
type KeptSession = { token: string; member: Member; rooms: string[] };

/**
 * Keeps the session of a member who has entered a room. `base` is the site's. Returns whether it
 * outlives the page.
 */
export function keepSession(base: string, entered: { token: string; member: Member; room: string }): boolean {
  const { token, member, room } = entered;
  const known = load(base);
  const rooms = known?.member.id === member.id ? known.rooms.filter((slug) => slug !== room) : [];
  return save(base, { token, member, rooms: [...rooms, room] });
}

/** Replaces the session that this tab keeps, if it keeps one: its member has another name. */
export function renewSession(base: string, { member, token }: Pick<KeptSession, "member" | "token">): void {
  const known = load(base);
  if (known !== undefined) save(base, { ...known, member, token });
}

/** Keeps the session as it is. Returns whether it outlives the page. */
export function outlivesPage(base: string): boolean {
  return save(base, load(base));
}

/**
 * Forgets that this tab's member is in a room; without a room, forgets the session, which is no
 * longer valid. Returns whether there was one.
 */
export function forgetSession(base: string, room?: string): boolean {
  const known = load(base);
  const rooms = room === undefined ? [] : (known?.rooms.filter((slug) => slug !== room) ?? []);
  save(base, known && rooms.length > 0 ? { ...known, rooms } : undefined);
  return known !== undefined;
}

/**
 * Turns a page that the server wrote for a visitor into the page of the member whose session this
 * tab keeps. If the cookie has arrived, the server knows the member itself, and the session is
 * dropped.
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

// The visitor's form brings the member's forms as a text, in the markup of our own server.
function putForms(enterForm: HTMLElement): void {
  const forms = document.createRange().createContextualFragment(enterForm.dataset.entered || "");
  document.querySelector(".bar-end")?.prepend(forms.querySelector(".leave") as HTMLElement);
  enterForm.replaceWith(forms.querySelector("#say") as HTMLElement);
}

function load(base: string): KeptSession | undefined {
  return parsed(storeOf(base).load()) as KeptSession | undefined;
}

function save(base: string, session: KeptSession | undefined): boolean {
  return storeOf(base).save(session === undefined ? "" : printed(session));
}

function storeOf(base: string) {
  return tabStore(`chattera:session:${base}`);
}
