import type { z } from "zod";
import type { RoomChange } from "../../db/log/room-rules.ts";
import { DESCRIPTION_LENGTH, PINNED_LENGTH } from "../../protocol/limits.ts";
import {
  AUDIENCES,
  type Audience,
  ROOM_RULES,
  type RoomRules,
  type RoomSettings,
} from "../../protocol/room-settings.ts";
import { refuse } from "../refusal.ts";
import { audienceSchema, settingSchemas } from "../wire.ts";
import { readTitle } from "./slug.ts";

/** The settings of a room that a request changes. `password` is the new one, or null for none. */
export type SettingsChange = Partial<Omit<RoomSettings, "password">> & { password?: string | null };

/**
 * Reads a change of settings from the fields of a body: JSON, or a form, in which everything is a
 * text. Returns the settings that differ from those at hand. Throws `malformed`.
 */
export function readSettings(body: { [name: string]: unknown }, now: RoomSettings, slug: string): SettingsChange {
  const change: { [name: string]: unknown } = {};
  let isAny = false;
  for (const name of Object.keys(READERS) as (keyof SettingsChange)[]) {
    const value = body[name];
    if (value === undefined) continue;
    isAny = true;
    const read = name === "title" ? readNewTitle(value, slug) : READERS[name](value, name);
    if (name === "password" || !isSame(read, now[name])) change[name] = read;
  }
  if (body.removePassword !== undefined) {
    isAny = true;
    if (readYes(body.removePassword, "removePassword")) change.password = null;
  }
  // An empty field of a form leaves the password as it is.
  if (change.password === "" || (change.password === null && !now.password)) delete change.password;
  if (!isAny) throw refuse("malformed", `one of ${Object.keys(READERS).join(", ")}`);
  return change as SettingsChange;
}

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

type Read = (value: unknown, name: string) => unknown;

const READERS: { [name in keyof SettingsChange]-?: Read } = {
  title: readText(0),
  description: readText(DESCRIPTION_LENGTH),
  listed: readYes,
  password: readPassword,
  mayRead: readAudience,
  mayEnter: readAudience,
  maySpeak: readAudience,
  locked: readYes,
  slowSeconds: readNumber(settingSchemas.slowSeconds),
  autoSlow: readYes,
  newcomerSeconds: readNumber(settingSchemas.newcomerSeconds),
  links: readYes,
  blockedWords: readWords,
  silentEntry: readYes,
  historyForNewcomers: orNull(readNumber(settingSchemas.historyForNewcomers)),
  keepDays: orNull(readNumber(settingSchemas.keepDays)),
  pinned: readText(PINNED_LENGTH),
};

function readNewTitle(value: unknown, slug: string): string {
  if (typeof value !== "string") throw refuse("malformed", "title: a string");
  return readTitle(value, slug);
}

function readText(length: number): Read {
  return (value, name) => {
    if (typeof value !== "string" || value.length > 2 * length || !value.isWellFormed() || UNSHOWN.test(value))
      throw refuse("malformed", `${name}: a text of at most ${length} characters`);
    const text = value.replaceAll("\r\n", "\n").trim();
    if ([...text].length > length) throw refuse("malformed", `${name}: a text of at most ${length} characters`);
    return text;
  };
}

/** Controls except line ends, and characters that override the direction of all that follows. */
const UNSHOWN = /[[\p{Cc}\u202a-\u202e\u2066-\u2069]--[\t\n\r]]/v;

function readYes(value: unknown, name: string): boolean {
  if (value === true || value === "true" || value === "1") return true;
  if (value === false || value === "false" || value === "0" || value === "") return false;
  throw refuse("malformed", `${name}: true or false`);
}

function readAudience(value: unknown, name: string): Audience {
  const { data: found } = audienceSchema.safeParse(value);
  if (found === undefined) throw refuse("malformed", `${name}: one of ${AUDIENCES.join(", ")}`);
  return found;
}

function readNumber(schema: z.ZodType<number>): Read {
  return (value, name) => {
    const isDigits = typeof value === "number" || (typeof value === "string" && /^\d{1,9}$/.test(value));
    const { data, error } = schema.safeParse(isDigits ? Number(value) : Number.NaN);
    if (error) throw refuse("malformed", `${name}: ${error.issues[0]?.message}`);
    return data;
  };
}

/** An empty field of a form stands for null. */
function orNull(read: Read): Read {
  return (value, name) => (value === null || value === "" ? null : read(value, name));
}

/**
 * The password of a room: as a secret behind a nickname, but a shorter one is somebody's choice.
 */
function readPassword(value: unknown): string | null {
  if (value === null || value === "") return value;
  if (typeof value !== "string" || !value.isWellFormed() || [...value].length < 4 || value.length > 128)
    throw refuse("malformed", "password: 4 to 128 characters, or null for none");
  return value;
}

const WORDS_MAX = 200;
const WORD_LENGTH = 50;

/** A list, or a text with a word in each line. */
function readWords(value: unknown): string[] {
  const lines = typeof value === "string" ? value.split(/\r?\n|,/) : value;
  if (!Array.isArray(lines) || !lines.every((line) => typeof line === "string" && line.isWellFormed()))
    throw refuse("malformed", "blockedWords: a list of words, or a text with a word in each line");
  const words = [...new Set((lines as string[]).map((word) => word.trim()).filter((word) => word !== ""))];
  if (words.length > WORDS_MAX || words.some((word) => [...word].length > WORD_LENGTH || UNSHOWN.test(word)))
    throw refuse("malformed", `blockedWords: at most ${WORDS_MAX} words of at most ${WORD_LENGTH} characters`);
  return words;
}

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
