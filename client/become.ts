import type { Member } from "../protocol/event.ts";
import type { Page } from "./page.ts";

/** Notes that the reader has another name or color in the room from now on. */
export function become({ me, address }: Pick<Page, "me" | "address">, { nickname, color, trip, tag }: Member): void {
  me.nickname = nickname;
  me.color = color;
  delete me.trip;
  delete me.tag;
  if (trip !== undefined) me.trip = trip;
  if (tag !== undefined) me.tag = tag;
  // The cookie has a session of this nickname by now.
  if (address.nickname !== undefined) address.nickname = nickname;
}
