import { createHash } from "node:crypto";
import type { Member } from "../../protocol/event.ts";
import { graphemesOf } from "../../protocol/graphemes.ts";
import { NICKNAME_CODE_POINTS, NICKNAME_LENGTH } from "../../protocol/limits.ts";
import { ROLES, type Role } from "../../protocol/room-settings.ts";
import { isDisplayable } from "./displayable.ts";
import { colorOf } from "./member.ts";
import { readNickname } from "./nickname.ts";
import { hasTripSign } from "./trip-sign.ts";

/**
 * A user of the host. `id` is the host's own, 1 to 64 characters without controls. Without a
 * `color`, `#rrggbb`, the nickname decides it.
 */
export type HostMember = { id: string; nickname: string; color?: string | undefined };

/** A user of the host behind a request. `role` holds in every room, as if an owner had given it. */
export type HostUser = HostMember & { role?: Role | null | undefined };

/** Makes a member of a user of the host. Throws a TypeError that says what is wrong. */
export function readHostMember({ id, nickname, color }: HostMember): Member {
  assertId(id);
  if (color !== undefined && !COLOR.test(color)) throw new TypeError("color: #rrggbb");
  const name = nameOf(nickname);
  return { id, nickname: name, color: color?.toLowerCase() ?? colorOf(name) };
}

/**
 * Makes a member of the user that the host has found behind a request. Nobody can be kept out by a
 * name that no nickname can be, so what cannot be shown is left out of it, and a long one is cut.
 * Throws a TypeError for what is no user.
 */
export function readHostUser(user: unknown): { member: Member; role?: Role } {
  if (typeof user !== "object" || user === null) throw new TypeError("a user is an object with an id and a nickname");
  const { id, nickname, color, role = null } = user as { [name: string]: unknown };
  assertId(id);
  if (typeof nickname !== "string") throw new TypeError("nickname: a string");
  if (role !== null && !ROLES.includes(role as Role)) throw new TypeError(`role: ${ROLES.join(", ")} or null`);
  const name = nicknameIn(nickname) ?? nicknameIn(id) ?? `user ${letters(id)}`;
  const shown = typeof color === "string" && COLOR.test(color) ? color.toLowerCase() : colorOf(name);
  return { member: { id, nickname: name, color: shown }, ...(role !== null && { role: role as Role }) };
}

const COLOR = /^#[0-9a-f]{6}$/i;

function assertId(id: unknown): asserts id is string {
  if (typeof id !== "string" || !/^[^\p{C}\p{Z}]{1,64}$/u.test(id))
    throw new TypeError("id: a user has an id of 1 to 64 characters, without white space");
}

function nameOf(nickname: string): string {
  try {
    const read = readNickname(nickname);
    if (read.secret === undefined) return read.nickname;
  } catch (error) {
    throw new TypeError(`nickname: ${(error as Error).message}`);
  }
  throw new TypeError("nickname: the # in it would begin a secret");
}

/** A longer text is not split into characters for the first twenty of them. */
const READ_UNITS = 400;

/** Returns the part of a text before a `#` that can be a nickname; `undefined` if there is none. */
function nicknameIn(text: string): string | undefined {
  const [before = ""] = text
    .slice(0, READ_UNITS)
    .normalize("NFC")
    .split(/[#＃﹟]/, 1);
  let name = "";
  for (const character of graphemesOf(before.replace(/\s+/gu, " ").trimStart())) {
    const isShown = character === " " || (isDisplayable(character, NICKNAME_CODE_POINTS) && !hasTripSign(character));
    const longer = isShown ? name + character : name;
    if (graphemesOf(longer).length > NICKNAME_LENGTH || [...longer].length > NICKNAME_CODE_POINTS) break;
    name = longer;
  }
  try {
    return readNickname(name).nickname;
  } catch {
    // Nothing is left that can be shown.
    return undefined;
  }
}

/** Letters that stand for an id. */
function letters(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 6);
}
