import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Knex } from "knex";
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

/** A receiver counts as away when events of this many rooms were not taken. */
const AWAY_ROOMS = 3;

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
 * at most the last one again. An event that is not taken is tried again, ever more slowly, and
 * those of its room wait; after a day it is given up.
 */
export async function sendWebhook(site: WebhookSite, target: WebhookTarget): Promise<void> {
  const { db, logger, node } = site;
  const id = webhookId(target.url);
  const follower = site.followers.follow();
  const sender: Sender = { ...target, id, site, follower, held: new Map(), leasedAt: 0 };
  let isAdded = false;
  let hasAll = false;
  while (!follower.isStopped) {
    const stopWaiting = wakeLater(sender);
    const due = await follower.next();
    stopWaiting();
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
  /** The rooms whose next event was not taken. */
  held: Map<number, HeldRoom>;
  leasedAt: number;
};

/** A room whose next event was not taken: since when, and when it is tried again. */
type HeldRoom = { since: number; attempts: number; isRefused: boolean; until: number };

/** Wakes the sender for the rooms that are held, in time to keep its lease. */
function wakeLater({ held, follower }: Sender): () => void {
  if (held.size === 0) return () => undefined;
  const soonest = Math.min(...[...held.values()].map(({ until }) => until));
  const ms = Math.min(Math.max(soonest - performance.now(), 0), LEASE_MS / 2);
  const timer = setTimeout(() => follower.ring(), ms);
  return () => clearTimeout(timer);
}

async function keepsLease(sender: Sender): Promise<boolean> {
  const { site, id } = sender;
  if (performance.now() - sender.leasedAt < LEASE_MS / 2 && sender.leasedAt > 0) return true;
  const isOurs = await takeWebhook(site.db, id, site.node);
  sender.leasedAt = isOurs ? performance.now() : 0;
  return isOurs;
}

/**
 * Sends what these rooms have, or all, except rooms that are held. Returns `false` if this node is
 * to stop sending.
 */
async function sendAll(sender: Sender, among: number[] | undefined): Promise<boolean> {
  for (;;) {
    const except = [...sender.held.keys()].filter((roomId) => isHeld(sender, roomId));
    const rooms = await findUnsent(sender.site.db, sender.id, { among, except });
    let isIdle = true;
    for (const room of rooms) {
      if (isHeld(sender, room.id)) continue;
      isIdle = false;
      if (!(await sendRoom(sender, room))) return false;
    }
    if (isIdle) return true;
  }
}

/** A receiver that is away is tried with the rooms that it missed first, and with no others. */
function isHeld({ held }: Sender, roomId: number): boolean {
  const room = held.get(roomId);
  return room === undefined ? isAway(held) : room.until > performance.now();
}

function isAway(held: Sender["held"]): boolean {
  return [...held.values()].filter(({ isRefused }) => !isRefused).length >= AWAY_ROOMS;
}

/**
 * Sends a room's events, up to one that is not taken. Returns `false` if this node is to stop
 * sending.
 */
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
      if (sender.follower.isStopped || !(await keepsLease(sender))) return false;
      const isWanted = sender.kinds?.has(event.kind) ?? true;
      if (isWanted && !(await deliver(sender, room, event))) return true;
      seq = event.seq;
      await noteSent(db, sender.id, { id: room.id, seq });
    }
  }
}

/** Sends an event once. Returns `false`, and holds its room, unless it is taken or given up. */
async function deliver(sender: Sender, room: UnsentRoom, event: RoomEvent): Promise<boolean> {
  const { held, site } = sender;
  const failure = await attempt(sender, room, event);
  const former = held.get(room.id);
  if (failure === undefined) {
    if (former !== undefined) letGo(sender, room);
    return true;
  }
  const { isRefused, error: cause } = failure;
  const { since, attempts } = { since: former?.since ?? Date.now(), attempts: (former?.attempts ?? 0) + 1 };
  if (former === undefined) site.logger.warn({ url: hostOf(sender), room: room.slug, cause }, "webhook fails");
  if (isRefused ? attempts >= REFUSALS_MAX : Date.now() - since > GIVE_UP_MS) {
    await addFailure(site.db, sender.id, { room: room.slug, seq: event.seq, error: cause });
    site.logger.warn({ url: hostOf(sender), room: room.slug, cause }, "webhook given up");
    held.delete(room.id);
    return true;
  }
  const ms = (site.retryMs ?? RETRY_MS) * Math.min(RETRY_MAX, 2 ** attempts) * (0.5 + Math.random() / 2);
  held.set(room.id, { since, attempts, isRefused, until: performance.now() + ms });
  return false;
}

/** A receiver that was away and takes an event again is sent all others at once. */
function letGo(sender: Sender, room: UnsentRoom): void {
  const { held, site } = sender;
  const wasAway = isAway(held);
  held.delete(room.id);
  site.logger.info({ url: hostOf(sender), room: room.slug }, "webhook is taken again");
  if (wasAway) for (const one of held.values()) if (!one.isRefused) one.until = 0;
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
