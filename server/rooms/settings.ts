import type { RoomChange } from "../../db/log/room-rules.ts";
import { type Audience, ROOM_RULES, type RoomRules, type RoomSettings } from "../../protocol/room-settings.ts";
import { settingsRequest } from "../keeping-requests.ts";
import { refuse } from "../refusal.ts";
import { parse } from "../wire.ts";
import { readTitle } from "./slug.ts";

/** The settings of a room that a request changes. `password` is the new one, or null for none. */
export type SettingsChange = Partial<Omit<RoomSettings, "password">> & { password?: string | null };

/**
 * Reads a change of settings from the fields of a body: JSON, or a form, in which everything is a
 * text. Returns the settings that differ from those at hand. Throws `malformed`.
 */
export function readSettings(body: { [name: string]: unknown }, now: RoomSettings, slug: string): SettingsChange {
  const { removePassword, ...asked } = parse(settingsRequest, body);
  const given = Object.entries(asked).filter(([, value]) => value !== undefined);
  if (given.length === 0 && removePassword === undefined) throw refuse("malformed", `one of ${SETTINGS.join(", ")}`);
  const change: { [name: string]: unknown } = {};
  for (const [name, value] of given) {
    const read = name === "title" ? readTitle(value as string, slug) : value;
    if (name === "password" || !isSame(read, now[name as keyof RoomSettings])) change[name] = read;
  }
  if (removePassword) change.password = null;
  // An empty field of a form leaves the password as it is.
  if (change.password === "" || (change.password === null && !now.password)) delete change.password;
  return change as SettingsChange;
}

const SETTINGS = Object.keys(settingsRequest.shape).filter((name) => name !== "removePassword");

/** Divides a change between the columns of a room and its rules. */
export function changeOf({
  title,
  description,
  listed,
  silentEntry,
  password: _,
  ...rules
}: SettingsChange): Omit<RoomChange, "roomId" | "member" | "notices"> {
  return {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(listed !== undefined && { public: listed }),
    ...(silentEntry !== undefined && { silent: silentEntry }),
    ...(Object.keys(rules).length > 0 && { rules: rules as Partial<RoomRules> }),
  };
}

/** Returns a sentence for each change, which people read in either language. */
export function noticesOf(change: SettingsChange): string[] {
  return (Object.keys(change) as (keyof SettingsChange)[]).map((name) => `${NAMES[name]}: ${sayValue(name, change)}`);
}

const NAMES: { [name in keyof SettingsChange]-?: string } = {
  title: "部屋の名前 (room name)",
  description: "説明 (description)",
  listed: "ロビーに表示 (listed in the lobby)",
  password: "パスワード (password)",
  mayRead: "読める人 (may read)",
  mayEnter: "入室できる人 (may enter)",
  maySpeak: "発言できる人 (may write)",
  locked: "入室制限 (locked)",
  slowSeconds: "低速モード (slow mode)",
  autoSlow: "荒らし対策の低速モード (slow mode during a raid)",
  newcomerSeconds: "新しい人の待ち時間 (wait for new people)",
  links: "リンク (links)",
  blockedWords: "NGワード (blocked words)",
  silentEntry: "こっそり入室 (silent entry)",
  historyForNewcomers: "新しい人が見られる過去の発言 (earlier messages for new people)",
  keepDays: "ログの保存 (messages are kept)",
  pinned: "お知らせ (announcement)",
};

function sayValue(name: keyof SettingsChange, change: SettingsChange): string {
  const value = change[name];
  if (name === "password") return value === null ? "なし (none)" : "あり (set)";
  if (name === "blockedWords") return String((value as string[]).length);
  if (name === "keepDays") return value === null ? "サイトの設定 (as the site)" : `${value} 日 (days)`;
  if (value === null) return "すべて (all)";
  if (typeof value === "boolean") return value ? "オン (on)" : "オフ (off)";
  if (name === "slowSeconds" || name === "newcomerSeconds") return value === 0 ? "オフ (off)" : `${value} 秒 (s)`;
  if (name === "mayRead" || name === "mayEnter" || name === "maySpeak") return AUDIENCE_NAMES[value as Audience];
  return value === "" ? "なし (none)" : String(value);
}

const AUDIENCE_NAMES: { [audience in Audience]: string } = {
  everyone: "全員 (everyone)",
  trips: "トリップのある人 (people with a trip)",
  approved: "承認された人 (approved people)",
  moderators: "モデレーター (moderators)",
};

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Returns all settings of a room, as its owner sees them. */
export function settingsOf(room: {
  title: string;
  description: string;
  public: boolean;
  silent: boolean;
  passwordMark: string | null;
  rules: Partial<RoomRules>;
}): RoomSettings {
  const { title, description } = room;
  return {
    ...{ title, description, listed: room.public, silentEntry: room.silent, password: room.passwordMark !== null },
    ...ROOM_RULES,
    ...room.rules,
  };
}
