import type { Context } from "koa";
import { findMessages, findSent } from "../../db/log/read.ts";
import { formatCursorIn } from "../../protocol/cursor.ts";
import { isWhisperCommand } from "../../protocol/inbox.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Tail } from "../delivery/tail.ts";
import { memberOf } from "../guard/session.ts";
import { actorOf } from "../http/actor.ts";
import { answer } from "../http/answer.ts";
import { noteSighting } from "../http/bannable.ts";
import { memberNetworkOf, shareOf, unlessRemoved } from "../http/enter-room.ts";
import { roomOf } from "../http/find-room.ts";
import { inputOf } from "../http/input.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import { refusalOfSaying } from "../http/say-rules.ts";
import { isUnheard, positionOf, storeUnheard } from "../http/unheard.ts";
import { whisperByRequest } from "../http/whisper.ts";
import { Refusal, refuse } from "../refusal.ts";
import { messageRequest } from "../requests.ts";
import { type NewMessage, type Posted, post, readMessage } from "../rooms/post.ts";
import { readSlug } from "../rooms/slug.ts";
import type { Site } from "../site.ts";
import { batchOf, sayAll } from "./batch.ts";

/** Returns the routes that send messages. */
export function messageRoutes(site: Site): Route[] {
  return [
    {
      method: "POST",
      path: PATHS.messages(":room"),
      guards: { api: true, auth: "token", cookie: "counts", mutates: true, batch: true },
      handle: take,
    },
    // The last way to send: where POST is blocked, or from an old browser on another site's page.
    {
      method: "GET",
      path: PATHS.say(":room"),
      guards: {
        api: true,
        auth: "token",
        urlToken: true,
        tickets: true,
        cookie: "never",
        jsonp: true,
        mutates: true,
        batch: true,
      },
      handle: async (ctx) => {
        if (ctx.originalUrl.length > 2000) throw refuse("too_large", "a URL of more than 2000 characters");
        await take(ctx);
      },
    },
  ];

  async function take(ctx: Context): Promise<void> {
    const batch = batchOf(ctx);
    if (batch === undefined) answerReceipt(ctx, await say(ctx, site));
    else {
      assertAuthor(ctx, batch.nickname);
      answer(ctx, await sayAll(ctx, site, batch.messages));
    }
  }

  function answerReceipt(ctx: Context, { event, cursor, isNew }: Posted & { cursor: string }): void {
    answer(ctx, { event, cursor }, isNew ? 201 : 200);
  }
}

/** Stores a request's message, or its whisper by command. The cursor is the position after it. */
export async function say(ctx: Context, site: Site): Promise<Posted & { cursor: string }> {
  memberOf(ctx);
  const { id, text, reply, nickname } = inputOf(ctx).read(messageRequest);
  assertAuthor(ctx, nickname);
  if (isWhisperCommand(text)) return whisperByRequest(ctx, site, { id, text });
  const message = readMessage({ id, text, reply });
  await noteSighting(ctx, site, memberOf(ctx).id);
  const receipt = await postWithinLimits(ctx, site, message);
  if (receipt.isNew) site.metrics.appended.inc();
  // A resend is answered with the position of its first copy, which may be in another room.
  const { roomId: room, event } = receipt;
  const cursor = formatCursorIn(site.log.epoch, { room, ...positionOf(event) });
  return { ...receipt, cursor };
}

/** Throws `no_session` if a request names another nickname than that of its session. */
export function assertAuthor(ctx: Context, nickname: string | undefined): void {
  const { nickname: own } = memberOf(ctx);
  if ((nickname ?? own) !== own) throw refuse("no_session", "another nickname's");
}

/**
 * A resend costs nothing, and it is answered even over the limit for new messages, since its first
 * copy was within it.
 */
async function postWithinLimits(ctx: Context, site: Site, message: NewMessage): Promise<Posted> {
  const { messages, resends } = site.limits;
  const member = memberOf(ctx);
  const payer = payerOf(ctx, readSlug(ctx.params.room ?? ""));
  let turn: Turn;
  try {
    messages.take(payer);
    turn = await takeTurn(ctx, site, message);
  } catch (refusal) {
    if (!(refusal instanceof Refusal) || refusal.code === "no_such_room") throw refusal;
    // A raid must not use up what the room takes.
    if (refusal.code === "slow_mode") messages.giveBack(payer);
    const sent = resends.allows(payer) ? await findResent(ctx, site, message.id) : undefined;
    if (sent === undefined) throw refusal;
    return sent;
  }
  const { tail } = turn;
  if (isUnheard(ctx, site, tail)) return storeUnheard(ctx, site, { tail, message });
  if (message.reply !== undefined && !(await findMessages(site.db, tail.id, [message.reply])).has(message.reply)) {
    // The message may be stored already, and what it replies to was pruned since.
    const sent = await findSent(site.db, member.id, message.id);
    if (sent === undefined) throw refuse("no_such_message");
    return sent;
  }
  const membership = { roomId: tail.id, memberId: member.id };
  const patienceMs = site.hub.patienceMs(tail);
  const network = () => memberNetworkOf(ctx, site);
  const options = { share: shareOf(ctx), network, patienceMs, isKnown: site.presence.hasSeen(membership) };
  const receipt = await unlessRemoved(site, tail, post(site.commit, { room: tail, member, message }, options));
  // A member that resends a message may have left meanwhile.
  if (receipt.isNew) site.presence.noteEntered(membership);
  else site.presence.noteSeen(membership);
  if (receipt.isNew) return receipt;
  messages.giveBack(payer);
  turn.giveBack();
  return receipt;
}

/** Finds the first copy of a message, which costs a query. */
function findResent(ctx: Context, site: Site, id: string): Promise<Posted | undefined> {
  site.limits.resends.take(payerOf(ctx, readSlug(ctx.params.room ?? "")));
  return findSent(site.db, memberOf(ctx).id, id);
}

/** The room in which a person may say something now. */
type Turn = { tail: Tail; giveBack(): void };

/** Throws the refusals of access, of the room's rules for texts, and of slow mode. */
async function takeTurn(ctx: Context, site: Site, { kind, text }: NewMessage): Promise<Turn> {
  const tail = await roomOf(ctx, site, "speak");
  const refusal = kind === "message" ? refusalOfSaying(ctx, site, { tail, text }) : undefined;
  if (refusal) throw refusal;
  return { tail, giveBack: await site.slowMode.take(actorOf(ctx, site), tail) };
}
