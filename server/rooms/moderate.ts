import type { Knex } from "knex";
import { type Ban, liftBan, membershipsHit, type NewBan, writeBan } from "../../db/log/bans.ts";
import { type Culprit, eraseMessages, findMessagesOf } from "../../db/log/erase.ts";
import { eraseNames } from "../../db/log/erase-names.ts";
import { removeMembers } from "../../db/log/leave.ts";
import { logAct } from "../../db/log/moderation.ts";
import { resolveReport } from "../../db/log/reports.ts";
import { type Switches, writeSwitches } from "../../db/log/switches.ts";
import { eraseUnheard } from "../../db/log/unheard.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { RoomErase, RoomUnname } from "../../protocol/event.ts";
import { refuse } from "../refusal.ts";
import { tagOf } from "./tag.ts";

/** The part of a site that acts of moderation need. The command line has it, too. */
export type ModeratedSite = { db: Knex; wakeUps: WakeUps };

/** The person who acts: a member's id and nickname, or `operator`. */
export type Moderator = { by: string; byName: string };

/** A room in which a moderator acts; without one, an operator acts on the whole site. */
export type ModeratedRoom = { id: number; slug: string };

/** Notes the events of one commit. */
export type OnErased = (roomId: number, events: (RoomErase | RoomUnname)[]) => void;

/** The message or notice of a room to erase, or everything of a culprit. */
export type ToErase = { seq: number } | Culprit;

type Act = { moderator: Moderator; room?: ModeratedRoom | undefined };

/**
 * A culprit may write on while its messages are looked for, which takes seconds if there are many.
 * So they are looked for again until there are none, but not for ever.
 */
const PASSES = 5;

/**
 * Erases a message or notice, or all messages, notices, whispers and names of a culprit, 100 in a
 * commit. `onErased` gets the events of each commit as soon as it is durable. Returns the number of
 * messages and notices erased, without whispers, of which moderators learn nothing. Throws
 * `no_such_message` for one message or notice that is not there or is erased already.
 */
export async function erase(
  site: ModeratedSite,
  { moderator, room, what, onErased }: Act & { what: ToErase; onErased?: OnErased },
): Promise<number> {
  const isOne = "seq" in what;
  if (isOne && room === undefined) throw refuse("malformed", "seq: a message of a room");
  const one = { roomId: room?.id as number, seqs: isOne ? [what.seq] : [], isInbox: false };
  let count = isOne ? 0 : await eraseUnheard(site.db, what, room?.id);
  let author: string | undefined;
  let isAll = false;
  for (let pass = 0; pass < PASSES && !isAll; pass += 1) {
    isAll = true;
    for await (const part of isOne ? [one] : findMessagesOf(site.db, what, room?.id)) {
      const events = await eraseMessages(site.db, part, site.wakeUps);
      onErased?.(part.roomId, events);
      author ??= events[0]?.member.nickname;
      if (!part.isInbox) count += events.length;
      isAll = isOne;
    }
  }
  if (isOne && count === 0) throw refuse("no_such_message");
  if (!isOne)
    for await (const { roomId, events } of eraseNames(
      site.db,
      { culprit: what, nameOf: erasedName, roomId: room?.id },
      site.wakeUps,
    ))
      onErased?.(roomId, events);
  const target = isOne ? { kind: "message", value: String(what.seq) } : what;
  await logAct(site.db, { ...moderator, ...inRoom(room), ...target, act: "erase", name: author, count });
  return count;
}

/** Returns the name by which a person is called whose name was erased. */
function erasedName(memberId: string): string {
  return `削除済み (erased) ${tagOf(memberId)}`;
}

/** A ban as a moderator asks for it. */
export type AskedBan = Pick<NewBan, "kind" | "value" | "act" | "secretly" | "reason" | "minutes">;

/** The effect of a ban: the ban, and the number of members who left rooms because of it. */
export type Banned = { ban: Ban; removed: number };

/**
 * Makes a ban. Unless it silences, the people whom it hits leave the room, or all rooms. A removal
 * is a ban of each member who is in the room, until that member enters again. Throws
 * `not_present` if nobody is there to be removed.
 */
export async function ban(site: ModeratedSite, { moderator, room, asked }: Act & { asked: AskedBan }): Promise<Banned> {
  if (asked.act === "remove") return remove(site, { moderator, room, asked });
  const made = await writeBan(site.db, site.wakeUps, { ...asked, ...moderator, roomId: room?.id });
  const hit = await membershipsHit(site.db, asked, room?.id);
  const removed = asked.act === "silence" ? 0 : await removeMembers(site.db, hit, site.wakeUps);
  const { kind, value, act, reason, until } = made;
  const logged = asked.secretly ? `${act} secretly` : act;
  await logAct(site.db, {
    ...moderator,
    ...inRoom(room),
    ...{ kind, value, reason, until },
    act: logged,
    name: hit[0]?.nickname,
    count: hit.length,
  });
  return { ban: made, removed };
}

async function remove(site: ModeratedSite, { moderator, room, asked }: Act & { asked: AskedBan }): Promise<Banned> {
  const { kind, value, reason } = asked;
  const hit = await membershipsHit(site.db, asked, room?.id);
  let last: Ban | undefined;
  for (const { roomId, memberId } of hit) {
    const one = { ...moderator, kind: "member", value: memberId, act: "remove", secretly: false, reason } as const;
    last = await writeBan(site.db, site.wakeUps, { ...one, roomId });
  }
  if (last === undefined) throw refuse("not_present", "Nobody of that description is in the room.");
  const removed = await removeMembers(site.db, hit, site.wakeUps);
  await logAct(site.db, {
    ...moderator,
    ...inRoom(room),
    ...{ kind, value, reason, act: "remove", name: hit[0]?.nickname, count: removed },
  });
  return { ban: last, removed };
}

/** Lifts a ban of a room, or of the whole site. Throws `no_such_ban`. */
export async function lift(site: ModeratedSite, { moderator, room, id }: Act & { id: number }): Promise<Ban> {
  const lifted = await liftBan(site.db, site.wakeUps, { id, roomId: room?.id });
  if (lifted === undefined) throw refuse("no_such_ban");
  const { kind, value, act } = lifted;
  await logAct(site.db, { ...moderator, ...inRoom(room), kind, value, act: `lift ${act}` });
  return lifted;
}

/** Takes a report out of a room's queue, or an operator's. Throws `no_such_report`. */
export async function resolve(site: ModeratedSite, { moderator, room, id }: Act & { id: number }): Promise<void> {
  const report = await resolveReport(site.db, { id, roomId: room?.id, by: moderator.by });
  if (report === undefined) throw refuse("no_such_report");
  const { roomId, room: slug, memberId, nickname } = report;
  const about = { kind: "member", value: memberId, name: nickname };
  await logAct(site.db, { ...moderator, roomId, room: slug, act: "resolve", ...about });
}

/** Sets emergency switches. Returns all of them as they are now. */
export async function setSwitches(
  site: ModeratedSite,
  { moderator, changes }: { moderator: Moderator; changes: Partial<Switches> },
): Promise<Switches> {
  const switches = await writeSwitches(site.db, site.wakeUps, changes);
  for (const [kind, value] of Object.entries(changes))
    await logAct(site.db, { ...moderator, act: "switch", kind, value: String(value) });
  return switches;
}

function inRoom(room: ModeratedRoom | undefined): { roomId?: number; room?: string } {
  return room === undefined ? {} : { roomId: room.id, room: room.slug };
}
