import type { Context } from "koa";
import { findMessages, readSent } from "../../db/log/read.ts";
import { type Cursor, formatCursor } from "../../protocol/cursor.ts";
import { isWhisperCommand } from "../../protocol/inbox.ts";
import { ROOMS_PER_READER } from "../../protocol/limits.ts";
import { slowSecondsOf } from "../delivery/room-now.ts";
import type { Tail } from "../delivery/tail.ts";
import { memberOf } from "../guard/session.ts";
import { actorOf } from "../http/actor.ts";
import { noteSighting } from "../http/bannable.ts";
import { memberNetworkOf, shareOf, unlessRemoved } from "../http/enter-room.ts";
import { roomOf } from "../http/find-room.ts";
import { inputOf } from "../http/input.ts";
import { payerOf } from "../http/payer.ts";
import { refusalOfSaying } from "../http/say-rules.ts";
import { isUnheard, positionOf, storeUnheard } from "../http/unheard.ts";
import { whisperByRequest } from "../http/whisper.ts";
import { Refusal, refuse } from "../refusal.ts";
import { batchRequest, messagesRequest } from "../requests.ts";
import { type NewMessage, type Posted, postAll, readMessage, readReply } from "../rooms/post.ts";
import { readSlug } from "../rooms/slug.ts";
import type { Site } from "../site.ts";

/** The answer to one message of a batch: what it would get alone. */
export type BatchResult = Pick<Posted, "event" | "isNew"> | { code: string; detail: string; retryAfter?: number };

/** A message of a batch, before its id and text are checked. */
type Said = { id: string; text: string; reply?: number | undefined };

/**
 * Returns the messages of a request that has several; `undefined` if it has one. JSON has a list of
 * `messages`; a form, a query or a path repeats `id` and `text`, and `reply` if one of them
 * replies. Throws `malformed`.
 */
export function batchOf(ctx: Context): { messages: Said[]; nickname?: string | undefined } | undefined {
  const { body } = ctx.state;
  if (body.messages !== undefined) {
    if (body.id !== undefined || body.text !== undefined) throw refuse("malformed", "either messages, or id and text");
    return inputOf(ctx).read(batchRequest);
  }
  if (ctx.method === "POST" && !(Array.isArray(body.id) && ctx.is("urlencoded"))) return undefined;
  const input = inputOf(ctx);
  if (input.sent("id").flat().length < 2 && input.sent("text").flat().length < 2) return undefined;
  const { id: ids, text: texts, reply: replies = [], nickname } = input.read(messagesRequest);
  if (texts.length !== ids.length) throw refuse("malformed", "one text for each id");
  if (replies.length > 0 && replies.length !== ids.length) throw refuse("malformed", "one reply for each id, or none");
  const messages = ids.map((id, index) => ({ id, text: texts[index] as string, reply: readReply(replies[index]) }));
  return { messages, nickname };
}

/**
 * Stores the messages of a request in the log, in their order, in one commit. One that is refused
 * for good does not stop the others. If one is over the limit, all later ones are refused alike, so
 * that none gets ahead of it when it is sent again.
 */
export async function sayAll(
  ctx: Context,
  site: Site,
  batch: Said[],
): Promise<{ results: BatchResult[]; cursor: string }> {
  const { tail, denial } = await findToSpeakIn(ctx, site);
  const read = batch.map((said) =>
    isWhisperCommand(said.text) ? said : refuseByRules(ctx, site, { tail, one: readOrRefuse(said) }),
  );
  const messages = read.flatMap((one) => (isMessage(one) ? [one] : []));
  const { allowed, refusal } = denial
    ? { allowed: 0, refusal: denial }
    : await allowEach(ctx, site, { tail, count: messages.length });
  const outcomes = allowed === 0 ? [] : await postAnswered(ctx, site, { tail, messages: messages.slice(0, allowed) });
  if (refusal) outcomes.push(...(await findOrRefuse(ctx, site, { messages: messages.slice(allowed), refusal })));
  const all: (Posted | Refusal)[] = [];
  for (const one of read) {
    if (isMessage(one)) all.push(outcomes.shift() as Posted | Refusal);
    else all.push(one instanceof Refusal ? one : await whisperOrRefuse(ctx, site, one));
  }
  return { results: all.map((outcome) => resultOf(outcome, site)), cursor: cursorAfter(all, tail, site) };
}

function isMessage(one: Said | NewMessage | Refusal): one is NewMessage {
  return !(one instanceof Refusal) && "kind" in one;
}

/** Whispers are in another log than messages, so the order among the two does not matter. */
async function whisperOrRefuse(ctx: Context, site: Site, said: Said): Promise<Posted | Refusal> {
  try {
    return await whisperByRequest(ctx, site, said);
  } catch (error) {
    if (error instanceof Refusal && error.code !== "unavailable" && error.code !== "no_such_room") return error;
    throw error;
  }
}

function readOrRefuse(said: Said): NewMessage | Refusal {
  try {
    return readMessage(said);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/**
 * Finds the room. A person who may not speak there may still ask for messages that were stored
 * before.
 */
async function findToSpeakIn(ctx: Context, site: Site): Promise<{ tail: Tail; denial?: Refusal }> {
  try {
    return { tail: await roomOf(ctx, site, "speak") };
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === "no_such_room") throw error;
    return { tail: await roomOf(ctx, site, "see"), denial: error };
  }
}

function refuseByRules(
  ctx: Context,
  site: Site,
  { tail, one }: { tail: Tail; one: NewMessage | Refusal },
): NewMessage | Refusal {
  if (one instanceof Refusal || one.kind !== "message") return one;
  return refusalOfSaying(ctx, site, { tail, text: one.text }) ?? one;
}

/** Allows as many messages as the limits do, and in slow mode one of them. */
async function allowEach(
  ctx: Context,
  site: Site,
  { tail, count }: { tail: Tail; count: number },
): Promise<{ allowed: number; refusal?: Refusal }> {
  const charged = chargeEach(ctx, site, count);
  if (charged.allowed === 0) return charged;
  const actor = actorOf(ctx, site);
  const taken = await site.slowMode.take(actor, tail).then(() => undefined, refusalIn);
  const isSlow = site.slowMode.isOn(actor, tail);
  const allowed = taken !== undefined ? 0 : isSlow ? 1 : charged.allowed;
  if (allowed === charged.allowed) return charged;
  site.limits.messages.giveBack(payerOf(ctx, tail.slug), charged.allowed - allowed);
  return { allowed, refusal: taken ?? refuse("slow_mode", undefined, slowSecondsOf(tail.room)) };
}

function refusalIn(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  throw error;
}

/** Charges for as many messages as the limits allow, and returns the refusal of the next one. */
function chargeEach(ctx: Context, site: Site, count: number): { allowed: number; refusal?: Refusal } {
  const payer = payerOf(ctx, readSlug(ctx.params.room ?? ""));
  for (let allowed = 0; allowed < count; allowed += 1) {
    try {
      site.limits.messages.take(payer);
    } catch (error) {
      if (error instanceof Refusal) return { allowed, refusal: error };
      throw error;
    }
  }
  return { allowed: count };
}

/**
 * Posts those whose message they reply to is in the room. The others are refused, except resends of
 * stored messages.
 */
async function postAnswered(
  ctx: Context,
  site: Site,
  { tail, messages }: { tail: Tail; messages: NewMessage[] },
): Promise<(Posted | Refusal)[]> {
  const replies = messages.flatMap(({ reply }) => reply ?? []);
  if (replies.length === 0) return postWithinLimits(ctx, site, { tail, messages });
  const found = await findMessages(site.db, tail.id, replies);
  const isLost = ({ reply }: NewMessage) => reply !== undefined && !found.has(reply);
  const lost = messages.filter(isLost);
  const refusal = refuse("no_such_message");
  const refused = lost.length === 0 ? [] : await findOrRefuse(ctx, site, { messages: lost, refusal });
  const rest = messages.filter((message) => !isLost(message));
  const posted = rest.length === 0 ? [] : await postWithinLimits(ctx, site, { tail, messages: rest });
  return messages.map((message) => (isLost(message) ? refused.shift() : posted.shift()) as Posted | Refusal);
}

async function postWithinLimits(
  ctx: Context,
  site: Site,
  { tail, messages }: { tail: Tail; messages: NewMessage[] },
): Promise<(Posted | Refusal)[]> {
  const member = memberOf(ctx);
  if (isUnheard(ctx, site, tail))
    return Promise.all(messages.map((message) => storeUnheard(ctx, site, { tail, message })));
  await noteSighting(ctx, site, member.id);
  const options = {
    share: shareOf(ctx),
    network: () => memberNetworkOf(ctx, site),
    patienceMs: site.hub.patienceMs(tail),
  };
  const outcomes = await unlessRemoved(site, tail, postAll(site.commit, { room: tail, member, messages }, options));
  const posted = outcomes.flatMap((outcome) => (outcome instanceof Refusal ? [] : [outcome]));
  const added = posted.filter(({ isNew }) => isNew).length;
  const membership = { roomId: tail.id, memberId: member.id };
  site.metrics.appended.inc(added);
  if (added > 0) site.presence.noteEntered(membership);
  else if (posted.length > 0) site.presence.noteSeen(membership);
  const resent = posted.length - added;
  if (resent > 0) site.limits.messages.giveBack(payerOf(ctx, readSlug(ctx.params.room ?? "")), resent);
  return outcomes;
}

/** Finds those that are stored already, in one query: resends whose first copies were allowed. */
async function findOrRefuse(
  ctx: Context,
  site: Site,
  { messages, refusal }: { messages: NewMessage[]; refusal: Refusal },
): Promise<(Posted | Refusal)[]> {
  const { id: memberId } = memberOf(ctx);
  const copies = new Map<string | undefined, Posted>();
  try {
    site.limits.resends.take(payerOf(ctx, readSlug(ctx.params.room ?? "")));
    const keys = messages.map(({ id }) => ({ memberId, clientId: id }));
    for (const copy of await readSent(site.db, keys)) copies.set(copy.event.id, copy);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  return messages.map(({ id }) => copies.get(id) ?? refusal);
}

function resultOf(outcome: Posted | Refusal, { metrics }: Site): BatchResult {
  if (!(outcome instanceof Refusal)) return { event: outcome.event, isNew: outcome.isNew };
  const { code, message: detail, retrySeconds } = outcome;
  metrics.refusals.inc({ code });
  return { code, detail, ...(retrySeconds !== undefined && { retryAfter: retrySeconds }) };
}

/** Returns the position after all stored messages. First copies may be in other rooms. */
function cursorAfter(outcomes: (Posted | Refusal)[], tail: Tail, { log }: Site): string {
  const cursor: Cursor = { epoch: log.epoch, seqs: new Map(), sums: new Map() };
  const { seqs, sums } = cursor;
  for (const outcome of outcomes) {
    if (outcome instanceof Refusal) continue;
    const { roomId, event } = outcome;
    const { seq, sum } = positionOf(event);
    const isFarther = seq > (seqs.get(roomId) ?? 0);
    if (!isFarther || (!seqs.has(roomId) && seqs.size >= ROOMS_PER_READER)) continue;
    seqs.set(roomId, seq);
    if (sum === undefined) sums.delete(roomId);
    else sums.set(roomId, sum);
  }
  return seqs.size === 0 ? tail.cursorAt(tail.head) : formatCursor(cursor);
}
