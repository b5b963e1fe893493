import type { RoomState } from "../../db/log/rooms.ts";
import { ROOM_RULES, type Role, type RoomRules, type RoomSignal } from "../../protocol/room-settings.ts";
import { steadyNow } from "../clock.ts";

/**
 * A room as a tail is made of it. Parts that are left out are as in a room that nobody has changed.
 */
export type TailRoom = {
  id: number;
  slug: string;
  title: string;
  public?: boolean;
  silent?: boolean;
} & Partial<RoomState>;

/**
 * A room as it is at the moment. `roles` are by `member ID` and `trip TRIP`. `raidEndsAt` is by the
 * clock of steadyNow().
 */
export type RoomNow = Readonly<{
  id: number;
  slug: string;
  title: string;
  description: string;
  isPublic: boolean;
  allowsSilence: boolean;
  rules: RoomRules;
  roles: ReadonlyMap<string, Role>;
  passwordMark: string | undefined;
  raidEndsAt: number;
  changedAt: number;
}>;

/** During a raid, a person may send one message in this time, which does not stop a talk. */
const RAID_SLOW_SECONDS = 2;

/** Returns a room as it is at the moment. */
export function roomNowOf(room: TailRoom): RoomNow {
  const { id, slug, title, raidMs } = room;
  return {
    ...{ id, slug, title },
    description: room.description ?? "",
    isPublic: room.public ?? true,
    allowsSilence: room.silent ?? false,
    rules: { ...ROOM_RULES, ...room.rules },
    roles: new Map((room.roles ?? []).map(({ kind, value, role }) => [`${kind} ${value}`, role])),
    passwordMark: room.passwordMark ?? undefined,
    raidEndsAt: raidMs === null || raidMs === undefined || raidMs <= 0 ? 0 : steadyNow() + raidMs,
    changedAt: room.changedAt ?? 0,
  };
}

/** Returns whether slow mode is on that began by itself. */
export function isInRaid({ raidEndsAt }: RoomNow): boolean {
  return raidEndsAt > 0 && raidEndsAt > steadyNow();
}

/** Returns the seconds in which a person may send one message; 0 without slow mode. */
export function slowSecondsOf(room: RoomNow): number {
  return Math.max(room.rules.slowSeconds, isInRaid(room) ? RAID_SLOW_SECONDS : 0);
}

/** Returns what everyone in the room may know of its settings. */
export function roomSignalOf(room: RoomNow): RoomSignal {
  const { slug, title, description, rules } = room;
  const { pinned, locked, newcomerSeconds, links, mayRead, mayEnter, maySpeak } = rules;
  return {
    room: slug,
    ...{ title, description, pinned, locked },
    slowSeconds: slowSecondsOf(room),
    raid: isInRaid(room),
    ...{ newcomerSeconds, links, mayRead, mayEnter, maySpeak },
    password: room.passwordMark !== undefined,
    listed: room.isPublic,
    silentEntry: room.allowsSilence,
  };
}
