import type { Member } from "../../protocol/event.ts";
import { colorOf } from "./member.ts";
import { readNickname } from "./nickname.ts";

/**
 * A user of the host. `id` is the host's own, 1 to 64 characters without controls. Without a
 * `color`, `#rrggbb`, the nickname decides it.
 */
export type HostMember = { id: string; nickname: string; color?: string | undefined };

/** Makes a member of a user of the host. Throws a TypeError that says what is wrong. */
export function readHostMember({ id, nickname, color }: HostMember): Member {
  if (typeof id !== "string" || !/^[^\p{C}\p{Z}]{1,64}$/u.test(id))
    throw new TypeError("id: a user has an id of 1 to 64 characters, without white space");
  if (color !== undefined && !/^#[0-9a-f]{6}$/i.test(color)) throw new TypeError("color: #rrggbb");
  const name = nameOf(nickname);
  return { id, nickname: name, color: color?.toLowerCase() ?? colorOf(name) };
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
