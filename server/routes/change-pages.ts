import type { Context } from "koa";
import type { RoomMessage } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Tail } from "../delivery/tail.ts";
import { memberOf } from "../guard/session.ts";
import { assertKeepsCookies, setSessionCookie } from "../guard/session-cookie.ts";
import { leadBack, noSuchMessage, readMessageAt } from "../http/find-message.ts";
import { roomOf } from "../http/find-room.ts";
import { inputOf } from "../http/input.ts";
import { pageLayout } from "../http/page-layout.ts";
import type { Route } from "../http/route.ts";
import { seqOf } from "../http/seq.ts";
import { renderChange } from "../pages/change.ts";
import { mayChange } from "../pages/message-line.ts";
import { renderRename } from "../pages/rename.ts";
import { Refusal, refuse } from "../refusal.ts";
import { changeFormRequest } from "../requests.ts";
import type { Site } from "../site.ts";
import { changeByRequest, renameByRequest } from "./changes.ts";
import { chooseLanguage, problemOf, redirect, showPage } from "./pages.ts";

/** Returns the routes of the pages that change a message and rename a member, without script. */
export function changePageRoutes(site: Site): Route[] {
  const showing = { page: true, auth: "token", cookie: "counts", limit: "reads" } as const;
  const acting = { page: true, auth: "token", cookie: "counts", mutates: true } as const;
  const [change, rename] = [PATHS.changePage(":room", ":seq"), PATHS.renamePage(":room")];
  return [
    { method: "GET", path: change, guards: showing, handle: (ctx) => showChange(ctx, site) },
    { method: "POST", path: change, guards: acting, handle: (ctx) => takeChange(ctx, site) },
    { method: "GET", path: rename, guards: showing, handle: (ctx) => showRename(ctx, site) },
    { method: "POST", path: rename, guards: acting, handle: (ctx) => takeRename(ctx, site) },
  ];
}

async function showChange(ctx: Context, site: Site): Promise<void> {
  if (chooseLanguage(ctx)) return;
  const seq = seqOf(ctx);
  const tail = await roomOf(ctx, site, "erase-own");
  await leadBack(tail, async () => {
    const message = await ownMessage(ctx, site, { tail, seq });
    const layout = pageLayout(ctx, site);
    if (!mayChange(layout, message)) throw refuse("too_late");
    showPage(ctx, renderChange(layout, { room: tail, message }));
  });
}

/** A form with a text edits the message, and one without erases it. */
async function takeChange(ctx: Context, site: Site): Promise<void> {
  const seq = seqOf(ctx);
  const text = readFormText(ctx);
  const tail = await roomOf(ctx, site, "erase-own");
  await leadBack(tail, async () => {
    try {
      await changeByRequest(ctx, site, text === undefined ? "erase" : "edit");
    } catch (error) {
      if (isFinal(error)) throw error;
      const message = await ownMessage(ctx, site, { tail, seq });
      const problem = problemOf(ctx, site, error);
      showPage(ctx, renderChange(pageLayout(ctx, site), { room: tail, message, text, problem }));
      return;
    }
    redirect(ctx, text === undefined ? PATHS.room(tail.slug) : PATHS.message(tail.slug, seq));
  });
}

/**
 * Returns the text of the form, or `undefined` if the form erases. [HTML 4.10.22.4] Forms send line
 * ends as CRLF.
 */
function readFormText(ctx: Context): string | undefined {
  const input = inputOf(ctx);
  if (input.read(changeFormRequest).erase) return undefined;
  const text = (input.string("text") ?? "").replaceAll("\r\n", "\n");
  ctx.state.body.text = text;
  ctx.state.input = undefined;
  return text;
}

/** Returns a message of the session's member. Throws `no_such_message`, `not_yours`. */
async function ownMessage(ctx: Context, site: Site, { tail, seq }: { tail: Tail; seq: number }): Promise<RoomMessage> {
  const { id } = memberOf(ctx);
  const message = await readMessageAt(ctx, site, { tail, seq });
  if (message?.kind !== "message") throw noSuchMessage(tail);
  if (message.member.id !== id) throw refuse("not_yours");
  return message;
}

async function showRename(ctx: Context, site: Site): Promise<void> {
  if (chooseLanguage(ctx)) return;
  const tail = await roomOf(ctx, site, "enter");
  await leadBack(tail, async () => {
    memberOf(ctx);
    showPage(ctx, renderRename(pageLayout(ctx, site), { room: tail }));
  });
}

async function takeRename(ctx: Context, site: Site): Promise<void> {
  const tail = await roomOf(ctx, site, "enter");
  await leadBack(tail, async () => {
    const nickname = inputOf(ctx).string("nickname");
    try {
      assertKeepsCookies(ctx, site);
      setSessionCookie(ctx, site, (await renameByRequest(ctx, site)).token);
    } catch (error) {
      if (isFinal(error)) throw error;
      const problem = problemOf(ctx, site, error);
      showPage(ctx, renderRename(pageLayout(ctx, site), { room: tail, nickname, problem }));
      return;
    }
    redirect(ctx, PATHS.room(tail.slug));
  });
}

/** Returns whether the same form could never succeed, so that it is not shown again. */
function isFinal(error: unknown): boolean {
  return error instanceof Refusal && ["no_session", "not_yours", "no_such_message"].includes(error.code);
}
