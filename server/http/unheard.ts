import type { Context } from "koa";
import { readEvent } from "../../db/log/around.ts";
import { writeUnheard } from "../../db/log/unheard.ts";
import { sumOf } from "../../protocol/cursor.ts";
import type { RoomEdit, RoomEvent } from "../../protocol/event.ts";
import type { Tail } from "../delivery/tail.ts";
import { memberOf } from "../guard/session.ts";
import { refuse } from "../refusal.ts";
import type { Changed } from "../rooms/change.ts";
import type { NewMessage, Posted } from "../rooms/post.ts";
import type { Site } from "../site.ts";
import { bannableOf } from "./bannable.ts";

/** Returns whether the person behind a request is silenced secretly in a room. */
export function isUnheard(ctx: Context, site: Site, tail: Tail): boolean {
  if (site.bans.isEmpty()) return false;
  const ban = site.bans.on(bannableOf(ctx, site), tail.id);
  return ban?.act === "silence" && ban.secretly;
}

/**
 * Stores a message that nobody else gets: it is in a table of its own, not in the log. The author
 * gets a receipt, by which their page shows it.
 *
 * Its seq is a fraction above the last one of the log, so no message of the log is taken for it.
 */
export async function storeUnheard(
  ctx: Context,
  site: Site,
  { tail, message }: { tail: Tail; message: NewMessage },
): Promise<Posted> {
  const member = memberOf(ctx);
  const { id: clientId, kind } = message;
  const stored = await writeUnheard(site.db, { roomId: tail.id, memberId: member.id, clientId, text: message.text });
  const { afterSeq, at, text, isNew } = stored;
  const seq = afterSeq + fractionOf(stored.id);
  site.presence.noteSeen({ roomId: tail.id, memberId: member.id });
  const event: RoomEvent = { room: tail.slug, seq, kind, member, at, text, id: clientId };
  return { event, roomId: tail.id, isNew };
}

/**
 * Answers the edit of a message whose author is silenced secretly, without storing it: the author's
 * page shows it until it is loaded again. Throws what an edit throws.
 */
export async function pretendToEdit(
  ctx: Context,
  site: Site,
  { tail, target, clientId, text }: { tail: Tail; target: number; clientId: string | undefined; text: string },
): Promise<Changed> {
  const member = memberOf(ctx);
  const message = await readEvent(site.db, tail.id, target);
  if (message?.kind !== "message" || message.erased) throw refuse("no_such_message");
  if (message.member.id !== member.id) throw refuse("not_yours");
  const now = Date.now();
  if (now - Date.parse(message.at) > site.config.editMinutes * 60_000) throw refuse("too_late");
  const seq = tail.head + fractionOf(now);
  const at = new Date(now).toISOString();
  const event: RoomEdit = { room: tail.slug, seq, kind: "edit", member: message.member, at, text, target };
  if (clientId !== undefined) event.id = clientId;
  return { event, isNew: true };
}

/** Above the last seq of the log and below the next one. */
function fractionOf(number: number): number {
  return ((number % 999_999) + 1) / 1_000_000;
}

/** Returns the position after an event, which for an unheard message is that of the log. */
export function positionOf(event: RoomEvent): { seq: number; sum: number | undefined } {
  const { seq } = event;
  return Number.isInteger(seq) ? { seq, sum: sumOf(event) } : { seq: Math.floor(seq), sum: undefined };
}
