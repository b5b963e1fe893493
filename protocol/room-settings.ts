/** The people who may do something in a room. Each group contains all that follow it. */
export type Audience = "everyone" | "trips" | "approved" | "moderators";

/** A role that an owner gives to a member of a room. Each includes those after it. */
export type Role = "owner" | "moderator" | "approved";

/** All roles. */
export const ROLES: readonly Role[] = ["owner", "moderator", "approved"];

/** All audiences, the widest first. */
export const AUDIENCES: readonly Audience[] = ["everyone", "trips", "approved", "moderators"];

/**
 * The rules of a room. `slowSeconds`: a person may send one message in this time; 0 is off.
 * `autoSlow`: slow mode switches itself on during a raid. `newcomerSeconds`: a session has to be
 * this old before it may speak. `links`: messages may contain links. `historyForNewcomers`: the
 * messages that a person sees who has not been in the room; null is all. `keepDays`: messages are
 * deleted at this age; null leaves it to the site.
 */
export type RoomRules = {
  mayRead: Audience;
  mayEnter: Audience;
  maySpeak: Audience;
  locked: boolean;
  slowSeconds: number;
  autoSlow: boolean;
  newcomerSeconds: number;
  links: boolean;
  blockedWords: string[];
  historyForNewcomers: number | null;
  keepDays: number | null;
  pinned: string;
};

/** The rules of a room that nobody has changed. */
export const ROOM_RULES: RoomRules = {
  mayRead: "everyone",
  mayEnter: "everyone",
  maySpeak: "everyone",
  locked: false,
  slowSeconds: 0,
  autoSlow: true,
  newcomerSeconds: 0,
  links: true,
  blockedWords: [],
  historyForNewcomers: null,
  keepDays: null,
  pinned: "",
};

/**
 * All settings of a room, as its owner sees them. `listed` rooms are in the list of rooms.
 * `silentEntry`: members may enter without a line in the log. `password`: the room has one.
 */
export type RoomSettings = RoomRules & {
  title: string;
  description: string;
  listed: boolean;
  silentEntry: boolean;
  password: boolean;
};

/**
 * The settings of a room that everyone in it may know. `slowSeconds` is the slow mode in force;
 * `raid` is true while the room has switched it on itself.
 */
export type RoomSignal = {
  room: string;
  title: string;
  description: string;
  pinned: string;
  locked: boolean;
  slowSeconds: number;
  raid: boolean;
  newcomerSeconds: number;
  links: boolean;
  mayRead: Audience;
  mayEnter: Audience;
  maySpeak: Audience;
  password: boolean;
  listed: boolean;
  silentEntry: boolean;
};
