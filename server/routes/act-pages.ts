import type { Context } from "koa";
import { readEvent } from "../../db/log/around.ts";
import { countHit } from "../../db/log/bans.ts";
import { findMember, listMembers } from "../../db/log/members.ts";
import { findNetwork } from "../../db/log/sightings.ts";
import type { Member } from "../../protocol/event.ts";
import { PEOPLE_PAGE } from "../../protocol/limits.ts";
import { messageActsPath, peoplePath, personActsPath } from "../../protocol/tool-paths.ts";
import type { Tail } from "../delivery/tail.ts";
import { actorOf } from "../http/actor.ts";
import { leadBack, readMessageAt } from "../http/find-message.ts";
import { roomOf } from "../http/find-room.ts";
import { inputOf, setFields } from "../http/input.ts";
import { readBan, readTarget } from "../http/moderation-input.ts";
import { moderatorOf, operatorOf } from "../http/moderator.ts";
import { pageLayout } from "../http/page-layout.ts";
import { findInbox } from "../http/reading.ts";
import type { Route } from "../http/route.ts";
import { seqOf } from "../http/seq.ts";
import { type ActsView, renderActs, renderDone } from "../pages/acts.ts";
import { fill, type Problem, wordsOf } from "../pages/language.ts";
import { renderPeoplePage } from "../pages/people-page.ts";
import { refuse } from "../refusal.ts";
import { rankOf } from "../rooms/access.ts";
import { type AskedBan, ban } from "../rooms/moderate.ts";
import type { Site } from "../site.ts";
import { eraseAt, takeReport } from "./moderation.ts";
import { chooseLanguage, problemOf, redirect, showPage } from "./pages.ts";
import { changeRole } from "./room-settings.ts";
import { formatPosition, positionOf } from "./rooms.ts";

/**
 * Returns the routes of the pages of a message or notice, of a person and of a room's people, on
 * which a reader reports them, and a moderator does everything else. The script shows them in a
 * dialog.
 */
export function actPageRoutes(site: Site): Route[] {
  const showing = { page: true, auth: "token", cookie: "counts", limit: "reads" } as const;
  const acting = { page: true, auth: "token", cookie: "counts", mutates: true } as const;
  const paths = [messageActsPath(":room", ":seq"), personActsPath(":room", ":member")];
  return [
    { method: "GET", path: peoplePath(":room"), guards: showing, handle: (ctx) => showPeople(ctx, site) },
    { method: "GET", path: paths, guards: showing, handle: (ctx) => showActs(ctx, site) },
    { method: "POST", path: paths, guards: acting, handle: (ctx) => takeActs(ctx, site) },
  ];
}

async function showPeople(ctx: Context, site: Site): Promise<void> {
  if (chooseLanguage(ctx)) return;
  const after = positionOf(inputOf(ctx).text("after"));
  const tail = await roomOf(ctx, site, "read");
  const { members, last } = await listMembers(site.db, tail.id, { after, limit: PEOPLE_PAGE });
  const next = last && members.length === PEOPLE_PAGE ? formatPosition(last) : undefined;
  const mayModerate = await site.access.may(actorOf(ctx, site), "moderate", tail);
  showPage(ctx, renderPeoplePage(pageLayout(ctx, site), { room: tail, members, next, mayModerate }));
}

/** The message or notice, the whisper of the reader's inbox, or the person that a page is about. */
type Subject = { member: Member; seq?: number; whisper?: number; text?: string };

async function subjectOf(ctx: Context, site: Site, tail: Tail): Promise<Subject> {
  const { member: id } = ctx.params as { member?: string };
  const whisper = inputOf(ctx).number("whisper", { min: 1, max: Number.MAX_SAFE_INTEGER }, 0);
  if (id !== undefined && whisper > 0) {
    const inbox = await findInbox(ctx, site, tail);
    const event = inbox && (await readEvent(site.db, inbox.id, whisper));
    if (event?.kind !== "whisper") throw refuse("no_such_message");
    return { member: event.member, whisper, text: event.text ?? "" };
  }
  if (id !== undefined) {
    const member = await findMember(site.db, { roomId: tail.id, memberId: id });
    if (member === undefined) throw refuse("no_such_member");
    return { member };
  }
  const seq = seqOf(ctx);
  const message = await readMessageAt(ctx, site, { tail, seq });
  if (message === undefined) throw refuse("no_such_message");
  return { member: message.member, seq, text: message.text ?? "" };
}

async function showActs(ctx: Context, site: Site): Promise<void> {
  if (chooseLanguage(ctx)) return;
  const tail = await roomOf(ctx, site, "read");
  const done = inputOf(ctx).text("done");
  if (done === undefined) await leadBack(tail, () => showForms(ctx, site, { tail }));
  else showPage(ctx, renderDone(pageLayout(ctx, site), tail, doneText(ctx, site, done)));
}

/**
 * Returns the sentence about what a form has done. The address names it, and the language may
 * change.
 */
function doneText(ctx: Context, site: Site, done: string): string {
  const { acts } = wordsOf(pageLayout(ctx, site).language).moderation;
  const name = DONE.find((one) => one === done);
  if (name === undefined) throw refuse("no_such_page");
  return fill(acts[name], { n: inputOf(ctx).number("n", { min: 0, max: 1_000_000_000 }, 0) });
}

async function showForms(
  ctx: Context,
  site: Site,
  { tail, problem }: { tail: Tail; problem?: Problem },
): Promise<void> {
  const view = await viewOf(ctx, site, tail);
  showPage(ctx, renderActs(pageLayout(ctx, site), { ...view, problem }));
}

async function viewOf(ctx: Context, site: Site, tail: Tail): Promise<ActsView> {
  const { member, seq, whisper, text } = await subjectOf(ctx, site, tail);
  const path = whisper === undefined ? ctx.path : `${ctx.path};whisper=${whisper}`;
  const actor = actorOf(ctx, site);
  const mayModerate = await site.access.may(actor, "moderate", tail);
  const mayConfigure = await site.access.may(actor, "configure", tail);
  return {
    ...{ room: tail, path, isMessage: seq !== undefined, member, text, mayModerate },
    isOperator: actor.isOperator,
    ...(mayModerate && { network: await networkOf(site, tail, member.id) }),
    ...(mayConfigure && { rank: rankOf({ ...actor, member, isOperator: false, hostRank: undefined }, tail.room) }),
  };
}

async function networkOf({ db }: Site, tail: Tail, memberId: string): Promise<ActsView["network"]> {
  const network = await findNetwork(db, memberId);
  if (network === undefined) return undefined;
  const { present } = await countHit(db, { kind: "network", value: network }, tail.id);
  return { name: network, count: present };
}

/** The result of a form: the name of its sentence, and the number of messages that it erased. */
type Done = { done: (typeof DONE)[number]; n?: number };

const DONE = ["reported", "erased", "applied", "erasedAll", "appointed"] as const;

async function takeActs(ctx: Context, site: Site): Promise<void> {
  const tail = await roomOf(ctx, site, "read");
  await leadBack(tail, async () => {
    try {
      const { done, n } = await actByForm(ctx, site, tail);
      redirect(ctx, `${ctx.path};done=${done}${n === undefined ? "" : `;n=${n}`}`);
    } catch (error) {
      const problem = problemOf(ctx, site, error);
      await showForms(ctx, site, { tail, problem }).catch(() => {
        throw error;
      });
    }
  });
}

async function actByForm(ctx: Context, site: Site, tail: Tail): Promise<Done> {
  switch (inputOf(ctx).text("act")) {
    case "report":
      return reportByForm(ctx, site, tail);
    case "erase":
      await eraseAt(site, { moderator: await moderatorOf(ctx, site, tail), room: tail, what: { seq: seqOf(ctx) } });
      return { done: "erased" };
    case "erase-all":
      return eraseAllByForm(ctx, site, tail);
    case "ban":
      return banByForm(ctx, site, tail);
    case "role":
      setFields(ctx, { member: (await subjectOf(ctx, site, tail)).member.id });
      await changeRole(ctx, site);
      return { done: "appointed" };
    default:
      throw refuse("malformed", "act: report, erase, erase-all, ban or role");
  }
}

async function reportByForm(ctx: Context, site: Site, tail: Tail): Promise<Done> {
  const { member, seq, whisper } = await subjectOf(ctx, site, tail);
  if (whisper === undefined) setFields(ctx, seq === undefined ? { member: member.id } : { seq: String(seq) });
  await takeReport(ctx, site);
  return { done: "reported" };
}

async function eraseAllByForm(ctx: Context, site: Site, tail: Tail): Promise<Done> {
  const moderator = await moderatorOf(ctx, site, tail);
  nameTarget(ctx);
  return { done: "erasedAll", n: await eraseAt(site, { moderator, room: tail, what: readTarget(ctx) }) };
}

async function banByForm(ctx: Context, site: Site, tail: Tail): Promise<Done> {
  const isEverywhere = inputOf(ctx).text("everywhere") === "1";
  const moderator = isEverywhere ? operatorOf(ctx) : await moderatorOf(ctx, site, tail);
  await ban(site, { moderator, ...(!isEverywhere && { room: tail }), asked: readFormBan(ctx) });
  await site.bans.refresh();
  return { done: "applied" };
}

/** Returns the ban that a form asks for. A removal has neither a time nor a secret. */
export function readFormBan(ctx: Context): AskedBan {
  const input = inputOf(ctx);
  const act = input.text("ban");
  nameTarget(ctx);
  setFields(ctx, { act });
  if (act === "remove" || input.text("minutes") === "0") setFields(ctx, { minutes: undefined });
  if (act === "remove") setFields(ctx, { secretly: undefined });
  return readBan(ctx);
}

/** A list in a form names a kind of target and its value together. */
export function nameTarget(ctx: Context): void {
  const [, kind = "", value] = /^(member|trip|network) (.+)$/.exec(inputOf(ctx).string("whom") ?? "") ?? [];
  if (value === undefined) throw refuse("malformed", "whom: a member, a trip or a network");
  setFields(ctx, { [kind]: value });
}
