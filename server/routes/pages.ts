import { randomUUID } from "node:crypto";
import type { Context } from "koa";
import { findMessageAt, readEvent } from "../../db/log/around.ts";
import { isPresent, otherRoomsOf } from "../../db/log/members.ts";
import { readTalk } from "../../db/log/read.ts";
import type { Member } from "../../protocol/event.ts";
import { HISTORY_MESSAGES } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { roomSignalOf } from "../delivery/room-now.ts";
import type { Tail } from "../delivery/tail.ts";
import { numberOf } from "../delivery/watcher.ts";
import { setDocumentHeaders } from "../guard/headers.ts";
import { memberOf, type Session } from "../guard/session.ts";
import { assertKeepsCookies, setSessionCookie } from "../guard/session-cookie.ts";
import { actorOf } from "../http/actor.ts";
import { browserOf } from "../http/browser.ts";
import { readEmbed } from "../http/embed.ts";
import { enterRoom, isSilentEntry, leaveRoom } from "../http/enter-room.ts";
import { noSuchMessage, readMessageAt } from "../http/find-message.ts";
import { findRooms, roomName, roomOf } from "../http/find-room.ts";
import { cutBefore, firstSeenBy } from "../http/first-seen.ts";
import { type Input, inputOf, setFields } from "../http/input.ts";
import { lobbyFor } from "../http/lobby-for.ts";
import { chooseLog } from "../http/log-choice.ts";
import { makeRoomAsAsked } from "../http/make-room.ts";
import { readMoment, readZone } from "../http/moment.ts";
import { cursorOfPage, whispersOfPage } from "../http/own-whispers.ts";
import { handOverKey, takeHandedKey } from "../http/owner-key.ts";
import { LANGUAGE_COOKIE, pageLayout } from "../http/page-layout.ts";
import { payerOf } from "../http/payer.ts";
import { givePassword } from "../http/room-password.ts";
import type { Route } from "../http/route.ts";
import { whisperByRequest } from "../http/whisper.ts";
import type { Problem } from "../pages/language.ts";
import { liveAddress } from "../pages/live.ts";
import { renderLobby } from "../pages/lobby.ts";
import type { NewRoomView } from "../pages/make-room.ts";
import { renderPast } from "../pages/past.ts";
import { type Back, type FormView, type RoomView, renderRoom } from "../pages/room.ts";
import type { ModeratingRole } from "../pages/room-menu.ts";
import { withWhispers } from "../pages/whispers.ts";
import { REFUSALS, Refusal, refuse } from "../refusal.ts";
import { rankOf } from "../rooms/access.ts";
import type { People } from "../rooms/people.ts";
import { readReply } from "../rooms/post.ts";
import type { Site } from "../site.ts";
import { say } from "./messages.ts";
import { openSession } from "./sessions.ts";

/** The content of a refused form, and the reason, so that nothing has to be typed twice. */
type Retry = {
  problem?: Problem;
  nickname?: string;
  text?: string;
  to?: string;
  back?: Back;
  reply?: number;
  help?: boolean;
};

/** Returns the routes of the site's pages. All of them work by links, forms and reloads. */
export function pageRoutes(site: Site): Route[] {
  const showing = { page: true, auth: "token", cookie: "counts" } as const;
  const acting = { ...showing, mutates: true } as const;
  return [
    {
      method: "GET",
      path: PATHS.lobby,
      guards: { ...showing, limit: "reads" },
      handle: async (ctx) => {
        if (!chooseLanguage(ctx)) await showLobby(ctx, site, {});
      },
    },
    { method: "POST", path: PATHS.lobby, guards: acting, handle: (ctx) => takeLobbyForm(ctx, site) },
    {
      method: "GET",
      path: PATHS.room(":room"),
      guards: { ...showing, limit: "reads" },
      handle: async (ctx) => {
        if (!readEmbed(ctx) && (chooseLanguage(ctx) || chooseLogView(ctx))) return;
        const before = inputOf(ctx).number("before", { min: 1, max: Number.MAX_SAFE_INTEGER }, 0);
        const at = inputOf(ctx).string("at");
        if (before > 0) await showPast(ctx, site, before);
        else if (at !== undefined) redirect(ctx, await pathAt(ctx, site, at));
        else await showRoom(ctx, site, replyOf(ctx));
      },
    },
    { method: "POST", path: PATHS.room(":room"), guards: acting, handle: (ctx) => takeRoomForm(ctx, site) },
  ];
}

/** The lobby has two forms. One with a title makes a room, the other enters one. */
async function takeLobbyForm(ctx: Context, site: Site): Promise<void> {
  if (ctx.state.body.title === undefined) await takeEntry(ctx, site);
  else await takeNewRoom(ctx, site);
}

async function takeNewRoom(ctx: Context, site: Site): Promise<void> {
  const newRoom: NewRoomView = {};
  try {
    const input = inputOf(ctx);
    const isSilent = input.text("silent") === "1";
    Object.assign(newRoom, {
      title: input.string("title") ?? "",
      slug: input.string("slug") ?? "",
      listed: input.text("listed") ?? "",
      silent: isSilent,
    });
    if (newRoom.title === "" && newRoom.slug === "") throw refuse("malformed");
    const { slug, ownerKey } = await makeRoomAsAsked(ctx, site);
    handOverKey(ctx, { slug, key: ownerKey });
    redirect(ctx, PATHS.room(slug));
  } catch (error) {
    const problem = problemOf(ctx, site, error);
    const { rooms } = await lobbyFor(ctx, site);
    showPage(ctx, renderLobby(pageLayout(ctx, site), { rooms, newRoom: { ...newRoom, problem } }));
  }
}

async function takeEntry(ctx: Context, site: Site): Promise<void> {
  const retry: Retry = {};
  try {
    retry.nickname = inputOf(ctx).string("nickname") ?? "";
    const name = inputOf(ctx).text("room") ?? "lobby";
    const tail = await enterByForm(ctx, site, name);
    redirect(ctx, PATHS.room(tail.slug));
  } catch (error) {
    await showLobby(ctx, site, { ...retry, problem: problemOf(ctx, site, error) });
  }
}

async function takeRoomForm(ctx: Context, site: Site): Promise<void> {
  if (inputOf(ctx).sent("password").length > 0) {
    const tail = await givePassword(ctx, site);
    return redirect(ctx, PATHS.room(tail.slug));
  }
  const retry: Retry = {};
  try {
    await actByForm(ctx, site, retry);
  } catch (error) {
    await showRoom(ctx, site, { ...retry, problem: problemOf(ctx, site, error) });
  }
}

/**
 * Enters the room, leaves it, sends a message or shows the help. Notes in `retry` what the form
 * contains.
 */
async function actByForm(ctx: Context, site: Site, retry: Retry): Promise<void> {
  const input = inputOf(ctx);
  const back = backOf(input);
  if (back) retry.back = back;
  if (input.string("nickname") !== undefined) {
    retry.nickname = input.string("nickname") ?? "";
    const tail = await enterByForm(ctx, site, roomName(ctx));
    redirect(ctx, pathBack(ctx, tail, back));
  } else if (input.text("leave") !== undefined) {
    const { id: memberId } = memberOf(ctx);
    site.limits.moves.take(payerOf(ctx));
    await leaveRoom(site, { tail: await roomOf(ctx, site, "see"), memberId });
    redirect(ctx, PATHS.lobby);
  } else if (input.string("text")?.trim() === "/help") {
    await showRoom(ctx, site, { help: true });
  } else {
    retry.text = input.string("text") ?? "";
    Object.assign(retry, replyOf(ctx));
    ctx.state.unsent = unsentOf(ctx, retry);
    // [HTML 4.10.22.4] Forms send line ends as CRLF.
    setFields(ctx, { text: retry.text.replaceAll("\r\n", "\n") });
    if (input.string("to") === undefined) await say(ctx, site);
    else await whisperByForm(ctx, site, retry);
    redirect(ctx, pathBack(ctx, await roomOf(ctx, site, "see"), back));
  }
}

/** Sends what the form contains to the person whom it names. */
async function whisperByForm(ctx: Context, site: Site, retry: Retry): Promise<void> {
  retry.to = inputOf(ctx).string("to") as string;
  const { id, text } = ctx.state.body;
  await whisperByRequest(ctx, site, { id, text, to: retry.to });
}

/**
 * Prepares to show a page again with the reason why its form was refused. Throws the error if it is
 * no refusal, or if the visitor may not read another page.
 */
export function problemOf(ctx: Context, site: Site, error: unknown): Problem {
  const { reads } = site.limits;
  if (!(error instanceof Refusal) || error.code === "no_such_room") throw error;
  // A whole page costs more than a sentence.
  if (!reads.allows(payerOf(ctx))) throw error;
  reads.take(payerOf(ctx));
  ctx.status = REFUSALS[error.code].status;
  if (error.retrySeconds !== undefined) ctx.set("Retry-After", String(error.retrySeconds));
  const { wording, retrySeconds } = error;
  return { wording, retrySeconds };
}

async function enterByForm(ctx: Context, site: Site, name: string): Promise<Tail> {
  const { limits } = site;
  assertKeepsCookies(ctx, site);
  const { member, token } = await openSession(ctx, site);
  limits.moves.take({ ...payerOf(ctx), member: member.id });
  const [tail] = (await findRooms(ctx, site, { names: [name], act: "enter", member })) as [Tail];
  await enterRoom(ctx, site, { tail, member, isSilent: isSilentEntry(ctx, tail) });
  setSessionCookie(ctx, site, token);
  return tail;
}

async function showLobby(ctx: Context, site: Site, retry: Retry): Promise<void> {
  const { rooms } = await lobbyFor(ctx, site);
  showPage(ctx, renderLobby(pageLayout(ctx, site), { rooms, ...retry }));
}

async function showRoom(ctx: Context, site: Site, { reply: seq, ...retry }: Retry): Promise<void> {
  const tail = await roomOf(ctx, site, "read");
  const quoted = seq === undefined ? undefined : await readMessageAt(ctx, site, { tail, seq });
  // A text that was refused is shown again even if the message it answers is gone.
  if (seq !== undefined && quoted === undefined && retry.problem === undefined) throw noSuchMessage(tail);
  const view = await roomViewOf(ctx, site, tail);
  const reply = quoted && view.present ? { seq: quoted.seq, quoted } : undefined;
  showPage(ctx, renderRoom(pageLayout(ctx, site), { ...view, ...retry, reply }));
}

/** Returns the seq of the message that a form replies to, if there is one. Throws `malformed`. */
function replyOf(ctx: Context): Pick<Retry, "reply"> {
  const reply = readReply(inputOf(ctx).text("reply"));
  return reply === undefined ? {} : { reply };
}

/** Returns a room as its page shows it, with the newest part of the log. */
export async function roomViewOf(ctx: Context, site: Site, tail: Tail): Promise<RoomView> {
  const session: Session | undefined = ctx.state.session;
  const membership = { roomId: tail.id, memberId: session?.member.id ?? "" };
  const present = session !== undefined && (await isPresent(site.db, membership));
  if (present) site.presence.noteSeen(membership);
  // Read the log before the list of members. An event after the cursor may be in the list already,
  // and taking it in again changes nothing.
  const layout = pageLayout(ctx, site);
  const first = await firstSeenBy(ctx, site, tail);
  const messages = layout.view.lines || HISTORY_MESSAGES;
  const { events, skipped } = cutBefore(await readTalk(site.db, { roomId: tail.id, messages }), first);
  const oldest = events[0]?.seq === 1 ? 1 : Math.max(first, (await site.hub.rooms.bounds(tail)).oldest);
  const own = await whispersOfPage(ctx, site, { tail, page: { events, oldest } });
  return {
    room: { slug: tail.slug, title: tail.title, isPublic: tail.isPublic, allowsSilence: tail.allowsSilence },
    ownRooms: session === undefined ? [] : await otherRoomsOf(site.db, membership),
    events,
    skipped,
    ...(own && { whispers: own.whispers }),
    ...(await peopleSeenBy(ctx, site, { tail, present })),
    ...cursorOfPage(tail, events, own),
    hasOlder: (events[0]?.seq ?? 1) > first || own?.hasMore === true,
    present,
    clientId: randomUUID(),
    now: roomSignalOf(tail.room),
    role: roleOf(ctx, site, tail),
    ownerKey: takeHandedKey(ctx, tail.slug),
  };
}

/** Returns the role that lets a reader configure or moderate a room. */
function roleOf(ctx: Context, site: Site, { room }: Tail): ModeratingRole | undefined {
  const rank = rankOf(actorOf(ctx, site), room);
  return rank === "owner" || rank === "moderator" || rank === "operator" ? rank : undefined;
}

/** Returns the path of the first message of a date or a moment, or of the room if there is none. */
async function pathAt(ctx: Context, site: Site, at: string): Promise<string> {
  const moment = readMoment("at", at, readZone(inputOf(ctx).string("zone"), site.config.timeZone));
  const tail = await roomOf(ctx, site, "read");
  const seq = await findMessageAt(site.db, tail.id, moment);
  return seq === undefined || seq < (await firstSeenBy(ctx, site, tail))
    ? PATHS.room(tail.slug)
    : PATHS.message(tail.slug, seq);
}

/** Shows a page of older messages. The script has a button for them instead. */
async function showPast(ctx: Context, site: Site, before: number): Promise<void> {
  const tail = await roomOf(ctx, site, "read");
  const first = await firstSeenBy(ctx, site, tail);
  const page = cutBefore(await readTalk(site.db, { roomId: tail.id, before, messages: HISTORY_MESSAGES }), first);
  const oldest = Math.max(first, (await site.hub.rooms.bounds(tail)).oldest);
  const hasOlder = page.events[0] !== undefined && page.events[0].seq > oldest;
  const room = { slug: tail.slug, title: tail.title };
  const next = await readEvent(site.db, tail.id, before);
  const own = await whispersOfPage(ctx, site, { tail, page: { ...page, oldest }, until: next?.at });
  const withOwn = { ...page, events: withWhispers(page.events, own?.whispers) };
  showPage(ctx, renderPast(pageLayout(ctx, site), { room, page: withOwn, hasOlder }));
}

/**
 * Returns the people in a room as a page shows them that will be counted itself as soon as it
 * reads: a new visitor is among the visitors from the beginning.
 */
export async function peopleSeenBy(
  ctx: Context,
  site: Site,
  { tail, present }: { tail: Tail; present: boolean },
): Promise<People> {
  const { people, watching } = await site.people(tail.id);
  const browser = browserOf(ctx, site);
  if (present) return withMember(people, memberOf(ctx));
  const isCounted = browser !== undefined && watching.has(numberOf(browser));
  return isCounted ? people : { ...people, visitors: people.visitors + 1 };
}

/** The list is a second old at most. Somebody who entered silently since is not in it. */
function withMember(people: People, member: Member): People {
  const { members, memberCount } = people;
  if (memberCount > members.length || members.some(({ id }) => id === member.id)) return people;
  return { ...people, members: [...members, member], memberCount: memberCount + 1 };
}

/**
 * Returns the form that http/refused.ts shows if not even the room can be shown. It keeps the id of
 * the message, which may be stored already.
 */
function unsentOf(ctx: Context, { text, back, reply }: Retry): FormView {
  const { room } = ctx.params as { room: string };
  const clientId = inputOf(ctx).text("id") ?? randomUUID();
  return {
    room: { slug: room, title: room },
    clientId,
    ...(text !== undefined && { text }),
    ...(back && { back }),
    ...(reply !== undefined && { reply: { seq: reply } }),
  };
}

/** Returns the live page that the form is on, if it is on one. */
function backOf(input: Input): Back | undefined {
  if (input.text("back") !== "live") return undefined;
  return { refresh: refreshOf(input, 0), after: input.text("after") };
}

/**
 * Returns the seconds after which a live page is refreshed, 5 to 300, or 0 for one that grows.
 * Throws `malformed`.
 */
export function refreshOf(input: Input, usual: number): number {
  return input.text("refresh") === "0" ? 0 : input.number("refresh", { min: 5, max: 300 }, usual);
}

function pathBack(ctx: Context, tail: Tail, back: Back | undefined): string {
  if (back === undefined) return ctx.path;
  return liveAddress({ room: tail.slug, refresh: back.refresh, isBare: false }, back.after);
}

/** Answers with a page that depends on the reader. */
export function showPage(ctx: Context, page: string): void {
  setDocumentHeaders(ctx);
  ctx.type = "text/html; charset=utf-8";
  ctx.vary("Accept-Language");
  ctx.vary("Cookie");
  const { status } = ctx;
  ctx.body = page;
  if (status !== 404) ctx.status = status;
}

/**
 * Remembers the language of `?language=ja` or `en` for a year, and redirects to the page without
 * the parameter. Returns `false` if no language is asked for.
 */
export function chooseLanguage(ctx: Context): boolean {
  const language = inputOf(ctx).text("language");
  if (language !== "ja" && language !== "en") return false;
  ctx.cookies.set(LANGUAGE_COOKIE, language, {
    path: ctx.state.base || "/",
    sameSite: "lax",
    maxAge: 365 * 24 * 3_600_000,
    overwrite: true,
  });
  redirect(ctx, ctx.path);
  return true;
}

/** Remembers how logs are to be shown, and redirects to the page without the parameters. */
export function chooseLogView(ctx: Context): boolean {
  const isChosen = chooseLog(ctx);
  if (isChosen) redirect(ctx, ctx.path);
  return isChosen;
}

/**
 * Redirects to a path of our own by 303 [RFC 9110 15.4.4], which is fetched with GET, so that a
 * reload sends no form twice.
 */
export function redirect(ctx: Context, path: string): void {
  setDocumentHeaders(ctx);
  ctx.redirect(ctx.state.base + path);
  ctx.status = 303;
}
