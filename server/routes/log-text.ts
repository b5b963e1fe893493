import { Readable } from "node:stream";
import type { Context } from "koa";
import { findSeqAt } from "../../db/log/around.ts";
import { readPage } from "../../db/log/read.ts";
import { isDatabaseAway } from "../../db/pool/connect.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Actor } from "../actor.ts";
import type { Tail } from "../delivery/tail.ts";
import { createTurns, type Turns } from "../delivery/turns.ts";
import { networksOf } from "../guard/address.ts";
import { actorOf } from "../http/actor.ts";
import { roomOf } from "../http/find-room.ts";
import { firstSeenBy } from "../http/first-seen.ts";
import { inputOf } from "../http/input.ts";
import { readEnd, readMoment, readZone } from "../http/moment.ts";
import { pageLayout } from "../http/page-layout.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import { createLogText } from "../pages/log-text.ts";
import { Refusal, refuse } from "../refusal.ts";
import type { Site } from "../site.ts";

/** A page of the log in memory: a reader that pauses holds no more than this. */
const PAGE = { limit: 500, bytes: 64 * 1024 };

/** One page at a time cannot starve posting of database connections. */
const AT_A_TIME = 1;

/** The downloads that a network may have open, and all together on a node. */
const OPEN_PER_NETWORK = 2;
const OPEN_MAX = 20;

/** A reader that takes nothing for so long is disconnected. */
const PATIENCE_MS = 60_000;

/** The part of a log to download: the events from one seq up to and without another. */
type Extract = { tail: Tail; from: number; to: number };

/** Returns the route of a room's log as a text file. */
export function logTextRoutes(site: Site): Route[] {
  const turns = createTurns(AT_A_TIME);
  const open = new Map<string, number>();
  return [
    {
      method: "GET",
      path: PATHS.logText(":room"),
      guards: { page: true, auth: "token", cookie: "counts" },
      handle: sendLog,
    },
  ];

  async function sendLog(ctx: Context): Promise<void> {
    const payer = payerOf(ctx);
    const network = networksOf(payer.address).at(-1) as string;
    const zone = readZone(inputOf(ctx).string("zone"), site.config.timeZone);
    const tail = await roomOf(ctx, site, "read");
    site.limits.downloads.take(payer);
    const extract = await extractOf(ctx, site, { tail, zone });
    ctx.type = "text/plain; charset=utf-8";
    ctx.set("Content-Disposition", dispositionOf(tail.slug));
    ctx.status = 200;
    if (ctx.method === "HEAD") return;
    const actor = actorOf(ctx, site);
    takePlace(network);
    ctx.res.once("close", () => leavePlace(network));
    ctx.res.setTimeout(PATIENCE_MS, () => ctx.res.destroy());
    const { language } = pageLayout(ctx, site);
    const lines = createLogText({ language, timeZone: zone });
    ctx.body = Readable.from(pagesOf({ ctx, actor, site, extract, turns, network, lines }), { objectMode: false });
  }

  function takePlace(network: string): void {
    const others = open.get(network) ?? 0;
    const all = [...open.values()].reduce((sum, count) => sum + count, 0);
    if (site.config.limits && (others >= OPEN_PER_NETWORK || all >= OPEN_MAX)) throw refuse("full");
    open.set(network, others + 1);
  }

  function leavePlace(network: string): void {
    const others = (open.get(network) ?? 1) - 1;
    if (others > 0) open.set(network, others);
    else open.delete(network);
  }
}

/** Reads which part is asked for: all, or the days `from` and `to` and those between them. */
async function extractOf(ctx: Context, site: Site, { tail, zone }: { tail: Tail; zone: string }): Promise<Extract> {
  const { db, hub } = site;
  const input = inputOf(ctx);
  const [first, last] = [input.string("from"), input.string("to")];
  const start = first === undefined ? undefined : readMoment("from", first, zone);
  const end = last === undefined ? undefined : readEnd("to", last, zone);
  const { head, oldest } = await hub.rooms.bounds(tail);
  const from = start === undefined ? oldest : ((await findSeqAt(db, tail.id, start)) ?? head + 1);
  const to = end === undefined ? head + 1 : ((await findSeqAt(db, tail.id, end)) ?? head + 1);
  return { tail, from: Math.max(from, oldest, await firstSeenBy(ctx, site, tail)), to };
}

/** [RFC 6266, RFC 8187] The name of a file, also for browsers that read ASCII only. */
function dispositionOf(slug: string): string {
  const plain = slug.replace(/[^\w-]/gu, "_");
  const encoded = encodeURIComponent(`${slug}.txt`).replace(/['()*!]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}.txt"; filename*=UTF-8''${encoded}`;
}

type Download = {
  ctx: Context;
  actor: Actor;
  site: Site;
  extract: Extract;
  turns: Turns;
  network: string;
  lines: ReturnType<typeof createLogText>;
};

/**
 * Yields the log page by page. The next page is read when the one before has been taken. If the log
 * is out of reach, the connection is cut, so that the browser reports an incomplete file.
 */
async function* pagesOf({ ctx, actor, site, extract, turns, network, lines }: Download): AsyncGenerator<string> {
  const { tail, from, to } = extract;
  let after = from - 1;
  try {
    while (after < to - 1) {
      const position = { roomId: tail.id, after, ...PAGE };
      // A download takes minutes, in which the right to read may be lost.
      await site.access.assert(actor, "read", tail);
      const events = await turns(network, () => readPage(site.db, position));
      const part = events.filter(({ seq }) => seq < to);
      const text = lines(part);
      if (text !== "") yield text;
      if (part.length < events.length || events.length === 0) return;
      after = (events.at(-1) as { seq: number }).seq;
    }
  } catch (error) {
    if (isDatabaseAway(error)) site.logger.debug({ err: error }, "a download could not read the log");
    else if (!(error instanceof Refusal))
      site.logger.error({ err: error }, "unexpected error: a download could not read the log");
    ctx.res.destroy();
  }
}
