import type { Context } from "koa";
import { readBans } from "../../db/log/bans.ts";
import { readActs } from "../../db/log/moderation.ts";
import { readReports } from "../../db/log/reports.ts";
import { moderationPath } from "../../protocol/tool-paths.ts";
import { leadBack } from "../http/find-message.ts";
import { roomOf } from "../http/find-room.ts";
import { inputOf } from "../http/input.ts";
import { readId } from "../http/moderation-input.ts";
import { moderatorOf } from "../http/moderator.ts";
import { pageLayout } from "../http/page-layout.ts";
import type { Route } from "../http/route.ts";
import { type BanView, type ModerationEntryView, type ReportView, renderModeration } from "../pages/moderation.ts";
import { lift, resolve } from "../rooms/moderate.ts";
import type { Site } from "../site.ts";
import { chooseLanguage, redirect, showPage } from "./pages.ts";

/** Entries of the log of moderation on one page. */
const ENTRIES = 50;

/** Returns the routes of the page with a room's reports, bans and log of moderation. */
export function moderationPageRoutes(site: Site): Route[] {
  const path = moderationPath(":room");
  const guards = { page: true, auth: "token", cookie: "counts" } as const;
  return [
    { method: "GET", path, guards: { ...guards, limit: "reads" }, handle: (ctx) => show(ctx, site) },
    { method: "POST", path, guards: { ...guards, mutates: true }, handle: (ctx) => take(ctx, site) },
  ];
}

async function show(ctx: Context, site: Site): Promise<void> {
  if (chooseLanguage(ctx)) return;
  const tail = await roomOf(ctx, site, "moderate");
  const [reports, bans] = [await readReports(site.db, tail.id), await readBans(site.db, tail.id)];
  showPage(
    ctx,
    renderModeration(pageLayout(ctx, site), {
      room: tail,
      reports: reports.map(reportView),
      bans: bans.map((one) => banView(one, () => tail.slug)),
      ...(await readLog(ctx, site, tail.id)),
    }),
  );
}

/** Reads the part of the log that a page shows, of a room or of the site. */
export async function readLog(
  ctx: Context,
  { db }: Site,
  roomId?: number,
): Promise<{ log: ModerationEntryView[]; next?: number | undefined }> {
  const before = inputOf(ctx).text("before") === undefined ? undefined : readId(ctx, "before");
  const acts = await readActs(db, { roomId, before, limit: ENTRIES });
  return { log: acts.map(entryView), ...(acts.length === ENTRIES && { next: acts.at(-1)?.id }) };
}

async function take(ctx: Context, site: Site): Promise<void> {
  const tail = await roomOf(ctx, site, "moderate");
  const moderator = await moderatorOf(ctx, site, tail);
  await leadBack(tail, async () => {
    if (inputOf(ctx).text("handled") !== undefined)
      await resolve(site, { moderator, room: tail, id: readId(ctx, "handled") });
    else {
      await lift(site, { moderator, room: tail, id: readId(ctx, "lift") });
      await site.bans.refresh();
    }
    redirect(ctx, ctx.path);
  });
}

type Read<Reader extends (...asked: never[]) => Promise<unknown[]>> = Awaited<ReturnType<Reader>>[number];

/** Returns a report as pages show it. */
export function reportView({ member, seq, by, text, ...report }: Read<typeof readReports>): ReportView {
  return {
    ...report,
    member: member.id,
    whom: member.nickname,
    seq: seq ?? undefined,
    by: by ?? undefined,
    text: text ?? undefined,
  };
}

/** Returns a ban as pages show it. `nameOf` returns the name of a room. */
export function banView(ban: Read<typeof readBans>, nameOf: (roomId: number) => string | undefined): BanView {
  const { id, at, byName, roomId, act, kind, value, reason, until, secretly } = ban;
  return {
    ...{ id, at, act, reason, secretly, by: byName },
    room: roomId === undefined ? undefined : nameOf(roomId),
    whom: `${kind} ${value}`,
    until: until === undefined ? undefined : new Date(until).toISOString(),
  };
}

function entryView(entry: Read<typeof readActs>): ModerationEntryView {
  const { id, at, byName, room, act, kind, value, name, reason, until, count } = entry;
  const whom = [name, kind, value, count === null ? null : `(${count})`].filter((part) => part !== null).join(" ");
  const secretly = act.endsWith(" secretly");
  return {
    ...{ id, at, by: byName, whom, secretly, act: act.replace(/ secretly$/, "") },
    room: room ?? undefined,
    reason: reason ?? "",
    until: until ?? undefined,
  };
}
