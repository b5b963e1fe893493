import type { Context } from "koa";
import { readWhispers } from "../../db/log/whispers.ts";
import { sumOf } from "../../protocol/cursor.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { PAGE_WHISPERS } from "../../protocol/limits.ts";
import { cursorOf, type Tail } from "../delivery/tail.ts";
import type { Site } from "../site.ts";
import { findInbox } from "./reading.ts";

/** The whispers that belong to a page of a room's log. */
export type PageWhispers = {
  /** Oldest first. */
  whispers: RoomEvent[];
  /** Whether the inbox has older ones. */
  hasMore: boolean;
  inbox: Tail;
};

/** A part of a room's log: its events, and its oldest event that is kept. */
type LogPage = { events: RoomEvent[]; oldest: number };

/**
 * Returns the reader's whispers from the time of a page's first event on, and before the seq
 * `before` of the inbox or the time `until`. A page that begins with the log's first event has all
 * older ones too. Returns `undefined` if the reader has no inbox.
 */
export async function whispersOfPage(
  ctx: Context,
  site: Site,
  { tail, page, before, until }: { tail: Tail; page: LogPage; before?: number | undefined; until?: string | undefined },
): Promise<PageWhispers | undefined> {
  const inbox = await findInbox(ctx, site, tail);
  if (inbox === undefined) return undefined;
  const [first] = page.events;
  const from = first !== undefined && first.seq > page.oldest ? first.at : undefined;
  const range = { inboxId: inbox.id, limit: PAGE_WHISPERS, before, from, until };
  const whispers = await readWhispers(site.db, range);
  const { head, oldest } = await site.hub.rooms.bounds(inbox);
  const lowest = whispers[0]?.seq ?? Math.min(before ?? head + 1, head + 1);
  return { whispers, hasMore: lowest > oldest, inbox };
}

/** Returns the cursor behind the newest page of a room, and the last seq of the reader's inbox. */
export function cursorOfPage(
  tail: Tail,
  events: RoomEvent[],
  own: PageWhispers | undefined,
): { cursor: string; lastWhisper: number } {
  const last = events.at(-1);
  const cursor = last ? tail.cursorAfter(last) : tail.cursorAt(tail.sent);
  if (own === undefined) return { cursor, lastWhisper: 0 };
  const newest = own.whispers.at(-1);
  const lastWhisper = newest?.seq ?? own.inbox.sent;
  const seqs = [last?.seq ?? tail.sent, lastWhisper];
  return { cursor: cursorOf([tail, own.inbox], seqs, [last && sumOf(last), newest && sumOf(newest)]), lastWhisper };
}
