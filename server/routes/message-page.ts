import type { Context } from "koa";
import { readAround, readEvent, type TalkAround } from "../../db/log/around.ts";
import type { RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { HISTORY_MESSAGES } from "../../protocol/limits.ts";
import { hasLine, isSaid } from "../../protocol/line.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Tail } from "../delivery/tail.ts";
import { noSuchMessage } from "../http/find-message.ts";
import { roomOf } from "../http/find-room.ts";
import { cutBefore, firstSeenBy } from "../http/first-seen.ts";
import { whispersOfPage } from "../http/own-whispers.ts";
import { pageLayout } from "../http/page-layout.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import type { LogView } from "../pages/log-lines.ts";
import { renderRoom } from "../pages/room.ts";
import type { Site } from "../site.ts";
import { halves } from "./history.ts";
import { chooseLanguage, roomViewOf, showPage } from "./pages.ts";

/** A text browser shows the top of a page, where the message should be. */
const BEFORE_ON_TEXT = 5;

/** Returns the route of a room's page at one of its messages. */
export function messagePageRoutes(site: Site): Route[] {
  return [
    {
      method: "GET",
      path: PATHS.message(":room", ":seq"),
      guards: { page: true, auth: "token", cookie: "counts", limit: "reads" },
      handle: (ctx) => showMessage(ctx, site),
    },
  ];
}

async function showMessage(ctx: Context, site: Site): Promise<void> {
  if (chooseLanguage(ctx)) return;
  const { seq: digits } = ctx.params as { seq: string };
  const seq = /^[1-9]\d{0,15}$/.test(digits) ? Number(digits) : 0;
  const tail = await roomOf(ctx, site, "read");
  const first = await firstSeenBy(ctx, site, tail);
  if (seq < first || !(await isShown(site, tail, seq))) throw noSuchMessage(tail);
  // This page reads two parts of the log.
  site.limits.reads.take(payerOf(ctx));
  const layout = pageLayout(ctx, site);
  const { before, after } = halves(HISTORY_MESSAGES);
  const part = { roomId: tail.id, seq, before: layout.canOpen ? before : BEFORE_ON_TEXT, after };
  const around = cutBefore(await readAround(site.db, part), first);
  const view = await roomViewOf(ctx, site, tail);
  const until = around.isNewest ? undefined : around.events.at(-1)?.at;
  const own = await whispersOfPage(ctx, site, { tail, page: { events: around.events, oldest: 1 }, until });
  const newer = new Set(view.whispers?.map(({ seq: known }) => known));
  const whispers = [...(own?.whispers ?? []).filter(({ seq: one }) => !newer.has(one)), ...(view.whispers ?? [])];
  // More may have happened since the first part was read, and the page goes on after the second.
  const log = { ...joined(around, view), current: seq };
  showPage(ctx, renderRoom(layout, { ...view, ...log, whispers, hasOlder: (log.events[0]?.seq ?? 1) > first }));
}

/** Returns whether the log shows an event under this seq, which is neither erased nor pruned. */
async function isShown(site: Site, tail: Tail, seq: number): Promise<boolean> {
  if (!Number.isSafeInteger(seq) || seq < 1) return false;
  const event = await readEvent(site.db, tail.id, seq);
  if (event === undefined || !hasLine(event.kind)) return false;
  if (isSaid(event.kind) && event.text === undefined) return false;
  return seq >= (await site.hub.rooms.bounds(tail)).oldest;
}

/** A part of the log, as it was read. */
type Part = { events: RoomEvent[]; skipped?: SkippedRun[] };

/** Joins a part of the log with the newest part. If there is a gap between them, it is marked. */
function joined(around: TalkAround, newest: Part): LogView & Part {
  const last = around.events.at(-1)?.seq ?? 0;
  const skipped = (newest.skipped ?? []).filter((run) => run.last > last);
  const first = Math.min(newest.events[0]?.seq ?? last + 1, ...skipped.map((run) => run.first));
  return {
    events: [...around.events, ...newest.events.filter(({ seq }) => seq > last)],
    skipped: [
      ...around.skipped,
      ...skipped.map((run) => (run.first > last ? run : { first: last + 1, last: run.last })),
    ],
    ...(first > last + 1 && { gapAfter: last }),
  };
}
