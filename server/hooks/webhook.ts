import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Knex } from "knex";
import { readEvent } from "../../db/log/around.ts";
import type { LogIdentity } from "../../db/log/log.ts";
import { readPage } from "../../db/log/read.ts";
import {
  addFailure,
  addWebhook,
  findUnsent,
  leaveWebhook,
  noteSent,
  takeWebhook,
  type UnsentRoom,
} from "../../db/log/webhooks.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import type { Follower, Followers } from "../delivery/followers.ts";
import type { Logger } from "../log.ts";
import { signWebhook } from "./sign.ts";

/** A receiver of events: a URL, the secret that signs, and the kinds that it gets, or all. */
export type WebhookTarget = { url: string; secret: string; kinds: ReadonlySet<string> | undefined };

/**
 * The parts of a node that send webhooks. `node` is a name of its own, and `signal` ends an
 * attempt.
 */
export type WebhookSite = {
  db: Knex;
  log: LogIdentity;
  followers: Followers;
  logger: Logger;
  node: string;
  signal: AbortSignal;
  /** The first pause between two attempts. The longest is 120 times as long. Default: 500. */
  retryMs?: number;
};

/** A receiver answers within this time, or the attempt has failed. */
const TIMEOUT_MS = 10_000;

/** The first pause between two attempts, and how many times as long the longest is: a minute. */
const RETRY_MS = 500;
const RETRY_MAX = 120;

/** A receiver that is away keeps its place for a day. */
const GIVE_UP_MS = 24 * 3_600_000;

/** A receiver that refuses one event gets it this many times, which takes about five minutes. */
const REFUSALS_MAX = 12;

/** A node that sends says so after half of this time. One that does not asks as often. */
const LEASE_MS = 10_000;

const PAGE = { limit: 100, bytes: 64 * 1024 };

/** Events that were read this long ago are read again before they are sent. */
const FRESH_MS = 500;

/** Returns the name under which the positions of a webhook are stored. */
export function webhookId(url: string): string {
  return createHash("sha256").update(url).digest("base64url").slice(0, 16);
}

/**
 * Sends the events of all rooms to a URL, in order in each room, each at least once. One node sends
 * at a time. The position in each room is stored after each event, so a node that takes over sends
 * at most the last one again. An event that nobody takes is tried again, ever more slowly, and
 * those after it wait; after a day it is given up.
 */
export async function sendWebhook(site: WebhookSite, target: WebhookTarget): Promise<void> {
  const { db, logger, node } = site;
  const id = webhookId(target.url);
  const follower = site.followers.follow();
  const sender: Sender = { ...target, id, site, follower, failedSince: undefined, attempts: 0, leasedAt: 0 };
  let isAdded = false;
  let hasAll = false;
  while (!follower.isStopped) {
    const due = await follower.next();
    try {
      if (!isAdded) await addWebhook(db, id);
      isAdded = true;
      hasAll = (await keepsLease(sender)) && (await sendAll(sender, hasAll ? due : undefined));
    } catch (error) {
      hasAll = false;
      if (!follower.isStopped) logger.debug({ err: error }, "webhook waits for the database");
    }
    if (!hasAll) await pauseUnlessStopped(follower, LEASE_MS / 2);
  }
  await leaveWebhook(db, id, node).catch(() => undefined);
}

type Sender = WebhookTarget & {
  id: string;
  site: WebhookSite;
  follower: Follower;
  /** Since when no attempt has succeeded. */
  failedSince: number | undefined;
  attempts: number;
  leasedAt: number;
};

async function keepsLease(sender: Sender): Promise<boolean> {
  const { site, id } = sender;
  if (performance.now() - sender.leasedAt < LEASE_MS / 2 && sender.leasedAt > 0) return true;
  const isOurs = await takeWebhook(site.db, id, site.node);
  sender.leasedAt = isOurs ? performance.now() : 0;
  return isOurs;
}

/** Returns whether everything is sent: that of these rooms, or of all. */
async function sendAll(sender: Sender, due: number[] | undefined): Promise<boolean> {
  for (;;) {
    const rooms = await findUnsent(sender.site.db, sender.id, due);
    if (rooms.length === 0) return true;
    for (const room of rooms) if (!(await sendRoom(sender, room))) return false;
  }
}

/** Returns `false` if this node is to stop sending. */
async function sendRoom(sender: Sender, room: UnsentRoom): Promise<boolean> {
  const { db } = sender.site;
  let { seq } = room;
  for (;;) {
    const page = await readPage(db, { roomId: room.id, after: seq, ...PAGE });
    if (page.length === 0) return true;
    const readAt = performance.now();
    for (const event of page) {
      // It may have been erased since.
      if (performance.now() - readAt > FRESH_MS) break;
      const isWanted = sender.kinds?.has(event.kind) ?? true;
      if (isWanted && !(await deliver(sender, room, event))) return false;
      seq = event.seq;
      await noteSent(db, sender.id, { id: room.id, seq });
    }
  }
}

/**
 * Sends an event until it is taken, or given up. Returns `false` if this node is to stop sending.
 */
async function deliver(sender: Sender, room: UnsentRoom, read: RoomEvent): Promise<boolean> {
  const { site, follower } = sender;
  let event: RoomEvent | undefined = read;
  for (;;) {
    if (follower.isStopped || !(await keepsLease(sender))) return false;
    // It was pruned meanwhile.
    if (event === undefined) return true;
    const failure = await attempt(sender, room, event);
    if (failure === undefined) {
      if (sender.failedSince !== undefined) site.logger.info({ url: hostOf(sender) }, "webhook is taken again");
      sender.failedSince = undefined;
      sender.attempts = 0;
      return true;
    }
    if (sender.failedSince === undefined)
      site.logger.warn({ url: hostOf(sender), cause: failure.error }, "webhook fails");
    sender.failedSince ??= Date.now();
    sender.attempts += 1;
    const isGivenUp = failure.isRefused
      ? sender.attempts >= REFUSALS_MAX
      : Date.now() - sender.failedSince > GIVE_UP_MS;
    if (isGivenUp) {
      await addFailure(site.db, sender.id, { room: room.slug, seq: event.seq, error: failure.error });
      site.logger.warn({ url: hostOf(sender), cause: failure.error }, "webhook given up");
      sender.attempts = 0;
      return true;
    }
    const ms = (site.retryMs ?? RETRY_MS) * Math.min(RETRY_MAX, 2 ** sender.attempts);
    await pauseUnlessStopped(follower, ms * (0.5 + Math.random() / 2));
    // A text that was erased meanwhile must not be sent.
    event = await readEvent(site.db, room.id, read.seq);
  }
}

type Failure = { error: string; isRefused: boolean };

/** Sends an event once. Returns why it was not taken. */
async function attempt(
  { url, secret, site }: Sender,
  room: UnsentRoom,
  event: RoomEvent,
): Promise<Failure | undefined> {
  const body = JSON.stringify({ type: event.kind, timestamp: event.at, data: event });
  const id = `evt_${site.log.epoch}_${room.id}_${event.seq}`;
  const headers = signWebhook(secret, { id, seconds: Math.floor(Date.now() / 1000), body });
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "user-agent": "chattera" },
      body,
      redirect: "manual",
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), site.signal]),
    });
    await answer.body?.cancel();
    if (answer.ok) return undefined;
    const isRefused = answer.status >= 400 && answer.status < 500 && !LATER.includes(answer.status);
    return { error: `answered with ${answer.status}`, isRefused };
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string } };
    return { error: cause?.code ?? message, isRefused: false };
  }
}

/** [RFC 9110] Not now, too many: a later attempt may succeed. 401 to 404: during a deployment. */
const LATER = [401, 403, 404, 407, 408, 409, 421, 425, 429];

/** A URL may contain a secret. */
function hostOf({ url }: Sender): string {
  return new URL(url).host;
}

async function pauseUnlessStopped(follower: Follower, ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (!follower.isStopped && performance.now() < until)
    await pause(Math.min(250, until - performance.now()), undefined, { ref: false });
}
