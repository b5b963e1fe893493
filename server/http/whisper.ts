import type { Context } from "koa";
import { findMember } from "../../db/log/members.ts";
import { findSent } from "../../db/log/read.ts";
import { formatCursorIn, sumOf } from "../../protocol/cursor.ts";
import type { Tail } from "../delivery/tail.ts";
import { memberOf } from "../guard/session.ts";
import { refuse } from "../refusal.ts";
import { type Posted, readClientId, readText } from "../rooms/post.ts";
import { readSlug } from "../rooms/slug.ts";
import { type NewWhisper, readCommand, readReceiver, whisper } from "../rooms/whisper.ts";
import type { Site } from "../site.ts";
import { noteSighting } from "./bannable.ts";
import { enterRoom, unlessRemoved } from "./enter-room.ts";
import { roomOf } from "./find-room.ts";
import { payerOf } from "./payer.ts";
import { isUnheard } from "./unheard.ts";

/** A whisper that a request asks for. Without `to`, the text is the command `/w name text`. */
export type AskedWhisper = { id: unknown; text: unknown; to?: string | undefined };

/**
 * Stores the whisper of a request's member, and returns it with the cursor behind it. It counts as
 * a message in the limits. A resend is answered even over the limit, since its first copy was
 * within it. A member that is not in the room enters it first.
 */
export async function whisperByRequest(
  ctx: Context,
  site: Site,
  asked: AskedWhisper,
): Promise<Posted & { cursor: string }> {
  const id = readClientId(asked.id);
  const text = readText(asked.text);
  const member = memberOf(ctx);
  const { messages, resends } = site.limits;
  const payer = payerOf(ctx, readSlug(ctx.params.room ?? ""));
  let posted: Posted | undefined;
  try {
    messages.take(payer);
  } catch (refusal) {
    if (!resends.allows(payer)) throw refusal;
    resends.take(payer);
    posted = await findSent(site.db, member.id, id);
    if (posted === undefined) throw refusal;
    return withCursor(site, posted);
  }
  const tail = await roomOf(ctx, site, "whisper");
  await noteSighting(ctx, site, member.id);
  try {
    const to = asked.to === undefined ? undefined : readReceiver(asked.to, member);
    const read = to === undefined ? await readCommand(site.db, { roomId: tail.id, member, text }) : { to, text };
    posted = await unlessRemoved(site, tail, store(ctx, site, { tail, whisper: { id, ...read } }));
  } catch (refusal) {
    // The receiver may have left since.
    posted = await findSent(site.db, member.id, id);
    if (posted === undefined) throw refusal;
  }
  if (posted.isNew) site.metrics.appended.inc();
  else messages.giveBack(payer);
  site.presence.noteSeen({ roomId: tail.id, memberId: member.id });
  return withCursor(site, posted);
}

async function store(
  ctx: Context,
  site: Site,
  { tail, whisper: asked }: { tail: Tail; whisper: NewWhisper },
): Promise<Posted> {
  const isSecret = isUnheard(ctx, site, tail);
  const author = memberOf(ctx);
  // A secret silence hides a new nickname from the room, so the former one is in it.
  const member = (isSecret && (await findMember(site.db, { roomId: tail.id, memberId: author.id }))) || author;
  const request = { roomId: tail.id, member, whisper: asked, isSecret };
  const stored = await whisper(site, request);
  if (stored !== undefined) return stored;
  await enterRoom(ctx, site, { tail, member, isSilent: false });
  // Only a member that left again at once can be missing.
  const second = await whisper(site, request);
  if (second === undefined) throw refuse("unavailable");
  return second;
}

function withCursor({ log }: Site, posted: Posted): Posted & { cursor: string } {
  const { roomId: room, event } = posted;
  return { ...posted, cursor: formatCursorIn(log.epoch, { room, seq: event.seq, sum: sumOf(event) }) };
}
