import type { Context } from "koa";
import type { Tail } from "../delivery/tail.ts";
import type { Refusal } from "../refusal.ts";
import { isAtLeast, rankOf } from "../rooms/access.ts";
import { refusalOfText } from "../rooms/text-rules.ts";
import type { Site } from "../site.ts";
import { actorOf } from "./actor.ts";

/**
 * Returns why a room does not accept a text of the person behind a request; `undefined` if it does.
 * Moderators may say anything.
 */
export function refusalOfSaying(
  ctx: Context,
  site: Site,
  { tail, text }: { tail: Tail; text: string },
): Refusal | undefined {
  const { room } = tail;
  if (room.rules.links && room.rules.blockedWords.length === 0) return undefined;
  return isAtLeast(rankOf(actorOf(ctx, site), room), "moderator") ? undefined : refusalOfText(text, room.rules);
}
