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

/**
 * A receiver of events. Its positions are stored under `id`. `noun` and `fields` name it in the
 * log. It gets these kinds, or all.
 */
export type Receiver = {
  id: string;
  noun: string;
  fields: { [name: string]: string };
  kinds: ReadonlySet<string> | undefined;
  /** Passes an event on. Returns why it was not taken. */
  take(event: RoomEvent, room: UnsentRoom, site: DeliveringSite): Promise<Failure | undefined>;
};

/** Why an event was not taken: `isRefused` if the receiver is there, and wants no such event. */
export type Failure = { error: string; isRefused: boolean };

/**
 * The parts of a node that deliver events. `node` is a name of its own, and `signal` ends an
 * attempt.
 */
export type DeliveringSite = {
  db: Knex;
  log: LogIdentity;
  followers: Followers;
  logger: Logger;
  node: string;
  signal: AbortSignal;
  /** The first pause between two attempts. The longest is 120 times as long. Default: 500. */
  retryMs?: number;
};

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

/**
 * Delivers the events of all rooms to a receiver, in order in each room, each at least once. One
 * node delivers at a time. The position in each room is stored after each event, so a node that
 * takes over delivers at most the last one again. An event that is not taken is tried again, ever
 * more slowly, and those of its room wait; after a day it is given up.
 */
export async function deliverEvents(site: DeliveringSite, receiver: Receiver): Promise<void> {
  const { db, logger, node } = site;
  const { id, noun } = receiver;
  const follower = site.followers.follow();
  const sender: Sender = { receiver, id, site, follower, held: new Map(), leasedAt: 0 };
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
      if (!follower.isStopped) logger.debug({ err: error }, `${noun} waits for the database`);
    }
    if (!hasAll) await pauseUnlessStopped(follower, LEASE_MS / 2);
  }
  await leaveWebhook(db, id, node).catch(() => undefined);
}

type Sender = {
  receiver: Receiver;
  id: string;
  site: DeliveringSite;
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
      const isWanted = sender.receiver.kinds?.has(event.kind) ?? true;
      if (isWanted && !(await deliver(sender, room, event))) return true;
      seq = event.seq;
      await noteSent(db, sender.id, { id: room.id, seq });
    }
  }
}

/** Passes an event on. Returns `false`, and holds its room, unless it is taken or given up. */
async function deliver(sender: Sender, room: UnsentRoom, event: RoomEvent): Promise<boolean> {
  const { held, site, receiver } = sender;
  const { noun, fields } = receiver;
  const failure = await receiver.take(event, room, site);
  const former = held.get(room.id);
  if (failure === undefined) {
    if (former !== undefined) letGo(sender, room);
    return true;
  }
  const { isRefused, error: cause } = failure;
  const { since, attempts } = { since: former?.since ?? Date.now(), attempts: (former?.attempts ?? 0) + 1 };
  if (former === undefined) site.logger.warn({ ...fields, room: room.slug, cause }, `${noun} fails`);
  if (isRefused ? attempts >= REFUSALS_MAX : Date.now() - since > GIVE_UP_MS) {
    await addFailure(site.db, sender.id, { room: room.slug, seq: event.seq, error: cause });
    site.logger.warn({ ...fields, room: room.slug, cause }, `${noun} given up`);
    held.delete(room.id);
    return true;
  }
  const ms = (site.retryMs ?? RETRY_MS) * Math.min(RETRY_MAX, 2 ** attempts) * (0.5 + Math.random() / 2);
  held.set(room.id, { since, attempts, isRefused, until: performance.now() + ms });
  return false;
}

/** A receiver that was away and takes an event again is sent all others at once. */
function letGo(sender: Sender, room: UnsentRoom): void {
  const { held, site, receiver } = sender;
  const wasAway = isAway(held);
  held.delete(room.id);
  site.logger.info({ ...receiver.fields, room: room.slug }, `${receiver.noun} is taken again`);
  if (wasAway) for (const one of held.values()) if (!one.isRefused) one.until = 0;
}

async function pauseUnlessStopped(follower: Follower, ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (!follower.isStopped && performance.now() < until)
    await pause(Math.min(250, until - performance.now()), undefined, { ref: false });
}
