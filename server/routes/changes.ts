import type { Context } from "koa";
import { formatCursorIn } from "../../protocol/cursor.ts";
import type { Member } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import { memberOf } from "../guard/session.ts";
import { setSessionCookie } from "../guard/session-cookie.ts";
import { answer } from "../http/answer.ts";
import { assertMayEnter, enterRoom, pretendToMove } from "../http/enter-room.ts";
import { roomOf } from "../http/find-room.ts";
import { inputOf } from "../http/input.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import { refusalOfSaying } from "../http/say-rules.ts";
import { seqOf } from "../http/seq.ts";
import { isUnheard, positionOf, pretendToEdit } from "../http/unheard.ts";
import { refuse } from "../refusal.ts";
import { editRequest, eraseRequest } from "../requests.ts";
import { type Changed, change } from "../rooms/change.ts";
import { readText } from "../rooms/post.ts";
import { rename } from "../rooms/rename.ts";
import { readSlug } from "../rooms/slug.ts";
import type { Site } from "../site.ts";
import { openSession } from "./sessions.ts";

/**
 * Returns the routes that edit and erase messages, and rename members. Each has a GET too, for
 * networks that block POST.
 */
export function changeRoutes(site: Site): Route[] {
  const posted = { api: true, auth: "token", cookie: "counts", mutates: true } as const;
  const asked = { api: true, auth: "token", urlToken: true, cookie: "never", jsonp: true, mutates: true } as const;
  const edit = (ctx: Context) => answerChange(ctx, site, "edit");
  const erase = (ctx: Context) => answerChange(ctx, site, "erase");
  const renameHere = (ctx: Context) => answerRename(ctx, site);
  return [
    { method: "POST", path: PATHS.edit(":room", ":seq"), guards: posted, handle: edit },
    { method: "GET", path: PATHS.edit(":room", ":seq"), guards: { ...asked, tickets: true }, handle: edit },
    { method: "POST", path: PATHS.erase(":room", ":seq"), guards: posted, handle: erase },
    { method: "GET", path: PATHS.erase(":room", ":seq"), guards: { ...asked, tickets: true }, handle: erase },
    { method: "POST", path: PATHS.rename(":room"), guards: posted, handle: renameHere },
    // The answer has a token, so a ticket is no proof here.
    { method: "GET", path: PATHS.rename(":room"), guards: asked, handle: renameHere },
  ];
}

async function answerChange(ctx: Context, site: Site, kind: "edit" | "erase"): Promise<void> {
  if (ctx.method === "GET" && ctx.originalUrl.length > 2000)
    throw refuse("too_large", "a URL of more than 2000 characters");
  const { event, isNew, roomId } = await changeByRequest(ctx, site, kind);
  const cursor = formatCursorIn(site.log.epoch, { room: roomId, ...positionOf(event) });
  answer(ctx, { event, cursor }, isNew ? 201 : 200);
}

/** Edits or erases the message that a request names. */
export async function changeByRequest(
  ctx: Context,
  site: Site,
  kind: "edit" | "erase",
): Promise<Changed & { roomId: number }> {
  const { id: memberId } = memberOf(ctx);
  const target = seqOf(ctx);
  const { id: clientId, ...text } = readChange(ctx, kind);
  site.limits.messages.take(payerOf(ctx, readSlug(ctx.params.room ?? "")));
  const tail = await roomOf(ctx, site, kind === "edit" ? "speak" : "erase-own");
  const refusal = text.text === undefined ? undefined : refusalOfSaying(ctx, site, { tail, text: text.text });
  if (refusal) throw refusal;
  if (text.text !== undefined && isUnheard(ctx, site, tail))
    return { ...(await pretendToEdit(ctx, site, { tail, target, clientId, text: text.text })), roomId: tail.id };
  const changed = await change(site, { roomId: tail.id, target, memberId, kind, clientId, ...text });
  // From here on, no reader at this node gets the former text. Other nodes follow when they have
  // read the event.
  tail.change(changed.event);
  if (changed.isNew) site.metrics.appended.inc();
  site.presence.noteSeen({ roomId: tail.id, memberId });
  return { ...changed, roomId: tail.id };
}

function readChange(ctx: Context, kind: "edit" | "erase"): { id?: string | undefined; text?: string } {
  if (kind === "erase") return inputOf(ctx).read(eraseRequest);
  const { id, text } = inputOf(ctx).read(editRequest);
  return { id, text: readText(text) };
}

async function answerRename(ctx: Context, site: Site): Promise<void> {
  const { member, token } = await renameByRequest(ctx, site);
  if (ctx.method === "POST") setSessionCookie(ctx, site, token);
  answer(ctx, { token, member });
}

/**
 * Renames the session's member in the room that a request names, and returns its new token. A
 * member that is not in the room enters it under the new name.
 */
export async function renameByRequest(ctx: Context, site: Site): Promise<{ member: Member; token: string }> {
  const { color } = memberOf(ctx);
  site.limits.moves.take(payerOf(ctx));
  const tail = await roomOf(ctx, site, "rename");
  const { member, token } = await openSession(ctx, site, color);
  await assertMayEnter(ctx, site, { tail, member });
  const pretended = await pretendToMove(ctx, site, { tail, member });
  if (pretended !== undefined) return { member: pretended, token };
  const renamed = await rename(site, { roomId: tail.id, member });
  if (renamed === undefined) return { member: await enterRoom(ctx, site, { tail, member, isSilent: false }), token };
  site.presence.noteSeen({ roomId: tail.id, memberId: member.id });
  return { member: renamed, token };
}
