import type { IncomingMessage, RequestListener } from "node:http";
import type { Context } from "koa";
import { LRUCache } from "lru-cache";
import { PATHS } from "../../protocol/paths.ts";
import type { Actor } from "../actor.ts";
import { joinAtOnce, readerAt } from "../delivery/admit.ts";
import type { Hub } from "../delivery/hub.ts";
import { positionInMemory, type ReaderPosition } from "../delivery/positions.ts";
import type { Reader, ReaderTransport } from "../delivery/reader.ts";
import type { Visitor } from "../delivery/slots.ts";
import { versionOf } from "../delivery/tail.ts";
import type { Allowance, Payer, RateLimits } from "../guard/rate-limit.ts";
import type { Session } from "../guard/session.ts";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import {
  answerAsVerified,
  answerHead,
  type Found,
  keepPolling,
  type PollRoad,
  type VerifiedPoll,
} from "../polls/kept-connection.ts";
import { headOf, type PollShape, type PollValues, shapeOf, splitHead } from "../polls/shape.ts";

/** The facts that the slow path has established about a poll. */
export type Poller = {
  /** Not their tails, which this would keep in memory. */
  roomIds: number[];
  /**
   * The versions of the rooms in which the person may read; another one has to be checked again.
   */
  versions: number;
  actor: Actor;
  payer: Payer;
  visitor: Visitor;
  browser: string | undefined;
  session: Session | undefined;
  waitMs: number;
};

/**
 * The polls of a node that have passed every guard, by their shape and the address of their peer.
 */
export type VerifiedPolls = PollRoad & {
  /**
   * Once the answer to a poll on the slow path is sent with 200, remembers the poll and keeps its
   * connection. `values` are the cursors and the nonce that it read; a poll whose head says
   * that in another way is not remembered.
   */
  remember(ctx: Context, values: PollValues, poller: Poller): void;
};

/**
 * A verified poll is valid for this long, or down to half as long, so that a crowd that came at
 * once is not verified again at once. All that is known to change with time is asked at each poll.
 */
const VERIFIED_MS = 60_000;

/**
 * Bytes of all verified polls. One of a browser with a session is 2.5 kB: a text and a buffer of
 * 0.9 kB each, and 0.7 kB of objects. So 16 MiB hold 6,500 of them. A kept connection keeps its
 * own, and does without this map.
 */
const VERIFIED_BYTES = 16 * 1024 * 1024;
const OBJECT_BYTES = 700;

/** Polls under the path of their room, as clients spell them. */
const SINCE = "/since;";

/** The parts of a node that verified polls use. */
type PolledSite = {
  hub: Hub;
  limits: RateLimits;
  metrics: Metrics;
  logger: Logger;
  revocations: { isRevoked(memberId: string, issuedAt: number): boolean };
  readonly sendsAway: boolean;
};

/**
 * Answers polls of a verified shape before `otherwise` sees them, and from then on on their kept
 * connections. For a server of our own: in a host's app each poll is to pass the host's middleware.
 */
export function withKeptPolls(polls: VerifiedPolls | undefined, otherwise: RequestListener): RequestListener {
  if (polls === undefined) return otherwise;
  return (request, response) => {
    const found = findAsked(polls, request);
    if (!found) return void otherwise(request, response);
    process.nextTick(() => {
      if (!answerAsVerified(response, polls, found)) void otherwise(request, response);
    });
  };
}

function findAsked(polls: PollRoad, request: IncomingMessage): Found | undefined {
  const { url = "" } = request;
  if (request.method !== "GET" || !(url.includes(PATHS.poll) || url.includes(SINCE))) return undefined;
  const head = headOf(request, url);
  return head === undefined ? undefined : polls.find(peerOf(request), head);
}

/** Creates the verified polls of a node: none yet. */
export function createVerifiedPolls(site: PolledSite): VerifiedPolls {
  const polls = new LRUCache<string, VerifiedPoll>({
    maxSize: VERIFIED_BYTES,
    sizeCalculation: (_poll, key) => 2 * key.length + OBJECT_BYTES,
  });

  const road = { hub: site.hub, find };
  return { ...road, remember };

  function find(peer: string, head: string): Found | undefined {
    const split = splitHead(head);
    const poll = split && polls.get(`${peer} ${split.text}`);
    return poll && { poll, values: split.values };
  }

  function remember({ req, res, originalUrl }: Context, values: PollValues, poller: Poller): void {
    res.once("finish", () => {
      const head = headOf(req, originalUrl);
      const split = head === undefined ? undefined : splitHead(head);
      if (!split || !isSame(split.values, values) || res.statusCode !== 200 || res.hasHeader("Set-Cookie")) return;
      const isKept = res.shouldKeepAlive && res.getHeader("Connection") !== "close";
      const path = originalUrl.split(/[;?]/, 1)[0] as string;
      const answered = { shape: shapeOf(split.text), head: answerHead(res, isKept), isKept, path };
      const poll = new Verified(site, poller, answered);
      polls.set(`${peerOf(req)} ${split.text}`, poll);
      keepPolling(req.socket, road, poll);
    });
  }
}

function peerOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? "";
}

function isSame(one: PollValues, other: PollValues): boolean {
  return one.nonce === other.nonce && one.cursors.length > 0 && one.cursors.join() === other.cursors.join();
}

type Answered = { shape: PollShape; head: string; isKept: boolean; path: string };

/** One of thousands: its functions are on the prototype. */
class Verified implements VerifiedPoll {
  readonly shape: PollShape;
  readonly head: string;
  readonly isKept: boolean;
  readonly #path: string;
  readonly #site: PolledSite;
  readonly #poller: Poller;
  readonly #allowance: Allowance;
  readonly #validUntil = performance.now() + VERIFIED_MS * (0.5 + Math.random() / 2);

  constructor(site: PolledSite, poller: Poller, { shape, head, isKept, path }: Answered) {
    this.#site = site;
    this.#poller = poller;
    this.#allowance = site.limits.polls.of(poller.payer);
    this.shape = shape;
    this.head = head;
    this.isKept = isKept;
    this.#path = path;
  }

  get waitMs(): number {
    return this.#poller.waitMs;
  }

  get visitor(): Visitor {
    return this.#poller.visitor;
  }

  positionAt(cursors: string[]): ReaderPosition | undefined {
    const { hub, sendsAway } = this.#site;
    if (sendsAway || performance.now() > this.#validUntil || !this.#isSessionValid()) return undefined;
    if (this.#hasNewInbox()) return undefined;
    const position = positionInMemory(hub.rooms, this.#poller.roomIds, cursors);
    if (position === undefined || versionOf(position.tails) !== this.#poller.versions) return undefined;
    return this.#allowance.allows() ? position : undefined;
  }

  open(transport: ReaderTransport, position: ReaderPosition): Reader {
    const { actor, payer, browser, visitor } = this.#poller;
    const reader = readerAt(position, transport, payer.member);
    reader.actor = actor;
    reader.browser = browser;
    reader.readsWhispers = this.#poller.session !== undefined;
    reader.network = visitor.networks[0];
    return reader;
  }

  start(reader: Reader, isCounted: boolean): void {
    const { hub, metrics } = this.#site;
    metrics.polls.kept += 1;
    joinAtOnce(hub, reader);
    // Answered at once, so the client polls again at once.
    if (isCounted || !reader.isOpen) this.#allowance.take();
  }

  end(reader: Reader): void {
    const { hub, logger } = this.#site;
    hub.remove(reader);
    if (!logger.isLevelEnabled("debug")) return;
    const tookMs = Math.round(performance.now() - reader.seenAt);
    logger.debug({ method: "GET", path: this.#path, status: 200, tookMs }, "request");
  }

  /** The slow path finds it. */
  #hasNewInbox(): boolean {
    const { session } = this.#poller;
    return session !== undefined && this.#site.hub.inboxes.isNew(session.member.id);
  }

  /** Without a valid session, the slow path answers the same request as one of a visitor. */
  #isSessionValid(): boolean {
    const { session } = this.#poller;
    if (session === undefined) return true;
    const { member, issuedAt, expiresAt } = session;
    return Date.now() < expiresAt && !this.#site.revocations.isRevoked(member.id, issuedAt);
  }
}
