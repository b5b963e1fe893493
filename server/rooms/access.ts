import type { Ban } from "../../db/log/bans.ts";
import type { Audience, Role, RoomRules } from "../../protocol/room-settings.ts";
import type { Actor } from "../actor.ts";
import type { RefusalCode } from "../refusal.ts";

/** The acts that a person may want to do. `create` is the only act without a room. */
export const ACTS = [
  "see",
  "read",
  "enter",
  "rename",
  "speak",
  "whisper",
  "erase-own",
  "notify",
  "moderate",
  "configure",
  "create",
] as const;

/** One of them. */
export type Act = (typeof ACTS)[number];

/**
 * The part of a room that decides who may do what in it. `roles` are by `member ID` and `trip
 * TRIP`.
 */
export type AccessRoom = {
  readonly id: number;
  readonly rules: RoomRules;
  readonly roles: ReadonlyMap<string, Role>;
  readonly passwordMark: string | undefined;
};

/** A ban of a person. Without a `roomId` it holds on the whole site. */
export type PersonBan = Pick<Ban, "act" | "roomId" | "secretly">;

/** The rules of the whole site. Times are in milliseconds. */
export type SiteRules = {
  newRooms: "anyone" | "operators" | "nobody";
  isReadOnly: boolean;
  takesNewRooms: boolean;
  /** Only sessions that are older than this may speak. */
  speakingAgeMs: number;
};

/** A question for decide(). */
export type AccessQuestion = {
  actor: Actor;
  act: Act;
  site: SiteRules;
  /** Left out for `create` only. */
  room?: AccessRoom;
  ban?: PersonBan | undefined;
  /** The person has typed the room's password. */
  knowsPassword?: boolean;
  /** The person is in the room, or left it after it was locked. */
  isInside?: boolean;
  now: number;
};

/** Why somebody may not do something. */
export type Denial = { code: RefusalCode; detail?: string; retrySeconds?: number };

/** How much a person may do in a room. Each rank includes those before it. */
const RANKS = { visitor: 0, member: 1, trip: 2, approved: 3, moderator: 4, owner: 5, operator: 6 } as const;

/** The name of a rank. */
export type Rank = keyof typeof RANKS;

/** Returns the rank of a person in a room, or on the site. */
export function rankOf({ member, isOperator, hostRank }: Actor, room: Pick<AccessRoom, "roles"> | undefined): Rank {
  if (isOperator) return "operator";
  if (member === undefined) return "visitor";
  const own = room?.roles.get(`member ${member.id}`);
  const byTrip = member.trip === undefined ? undefined : room?.roles.get(`trip ${member.trip}`);
  const roles = [own, byTrip, hostRank];
  for (const role of ["owner", "moderator", "approved"] as const) if (roles.includes(role)) return role;
  return member.trip === undefined && hostRank === undefined ? "member" : "trip";
}

/** Returns whether a rank is another one, or above it. */
export function isAtLeast(rank: Rank, other: Rank): boolean {
  return RANKS[rank] >= RANKS[other];
}

/**
 * Decides whether a person may do something. This is the only place that does. Returns `undefined`
 * if they may, otherwise why not.
 */
export function decide(question: AccessQuestion): Denial | undefined {
  const { act, room, actor } = question;
  const rank = rankOf(actor, room);
  if (rank === "operator") return act === "speak" || act === "whisper" ? needsSession(actor) : undefined;
  if (isShutOut(question, rank)) return { code: question.ban?.secretly ? "no_such_room" : "shut_out" };
  if (room === undefined) return act === "create" ? mayCreate(question) : { code: "not_allowed" };
  switch (act) {
    case "see":
      return undefined;
    case "read":
      return mayRead(question, room, rank);
    case "enter":
      return mayEnter(question, room, rank);
    case "rename":
      return mayEnter(question, room, rank) ?? mayBeHeard(question);
    case "speak":
    case "whisper":
      return mayEnter(question, room, rank) ?? maySpeak(question, room, rank);
    case "erase-own":
      return needsSession(actor) ?? mayRead(question, room, rank);
    case "notify":
      return mayBeHeard(question);
    case "moderate":
      return isAtLeast(rank, "moderator") ? undefined : { code: "not_allowed" };
    case "configure":
      return isAtLeast(rank, "owner") ? undefined : { code: "not_allowed" };
    case "create":
      return mayCreate(question);
  }
}

/** A room's moderators keep their room, whatever network they come from. */
function isShutOut({ ban }: AccessQuestion, rank: Rank): boolean {
  return ban?.act === "shut-out" && (ban.roomId === undefined || !isAtLeast(rank, "moderator"));
}

function mayCreate({ site }: AccessQuestion): Denial | undefined {
  if (site.isReadOnly) return { code: "read_only" };
  if (!site.takesNewRooms) return { code: "not_allowed", detail: "Nobody can make a room here at the moment." };
  return site.newRooms === "anyone" ? undefined : { code: "not_allowed", detail: "Rooms are made by operators here." };
}

function mayRead({ act, ban, knowsPassword }: AccessQuestion, room: AccessRoom, rank: Rank): Denial | undefined {
  // A person who was removed may come back by entering.
  if (ban?.act === "remove" && act !== "enter") return { code: "not_present" };
  if (isAtLeast(rank, "moderator")) return undefined;
  if (room.passwordMark !== undefined && knowsPassword !== true) return { code: "password_needed" };
  return isAmong(room.rules.mayRead, rank) ? undefined : { code: "not_allowed", detail: FOR[room.rules.mayRead] };
}

function mayEnter(question: AccessQuestion, room: AccessRoom, rank: Rank): Denial | undefined {
  const { actor, isInside } = question;
  const { rules } = room;
  const denial = needsSession(actor) ?? mayRead(question, room, rank);
  if (denial !== undefined || isAtLeast(rank, "moderator")) return denial;
  if (!isAmong(rules.mayEnter, rank)) return { code: "not_allowed", detail: FOR[rules.mayEnter] };
  if (rules.locked && isInside !== true) return { code: "locked" };
  return undefined;
}

/** Everyone in the room reads a new nickname, so it is a way to speak. */
function mayBeHeard({ ban, site }: AccessQuestion): Denial | undefined {
  if (ban?.act === "silence" && !ban.secretly) return { code: "silenced" };
  return site.isReadOnly ? { code: "read_only" } : undefined;
}

function maySpeak(question: AccessQuestion, { rules }: AccessRoom, rank: Rank): Denial | undefined {
  const { act, actor, now, site } = question;
  const denial = mayBeHeard(question);
  if (denial !== undefined) return denial;
  if (isAtLeast(rank, "moderator")) return undefined;
  if (act === "speak" && !isAmong(rules.maySpeak, rank)) return { code: "not_allowed", detail: FOR[rules.maySpeak] };
  const ageMs = Math.max(site.speakingAgeMs, isAtLeast(rank, "approved") ? 0 : rules.newcomerSeconds * 1000);
  const waitMs = actor.since + ageMs - now;
  if (waitMs <= 0) return undefined;
  return { code: "too_new", retrySeconds: Math.ceil(waitMs / 1000) };
}

function needsSession({ member }: Actor): Denial | undefined {
  return member === undefined ? { code: "no_session" } : undefined;
}

function isAmong(audience: Audience, rank: Rank): boolean {
  return isAtLeast(rank, LOWEST[audience]);
}

/** The lowest rank of an audience. */
const LOWEST: { [audience in Audience]: Rank } = {
  everyone: "visitor",
  trips: "trip",
  approved: "approved",
  moderators: "moderator",
};

const FOR: { [audience in Audience]: string } = {
  everyone: "Everyone may do that.",
  trips: "Only people with a trip may do that in this room.",
  approved: "Only people whom the room's moderators have approved may do that here.",
  moderators: "Only the room's moderators may do that.",
};
