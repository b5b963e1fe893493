import type { Knex } from "knex";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import { appendWhisper, findByLook } from "../../db/log/whispers.ts";
import type { Member } from "../../protocol/event.ts";
import { WHISPER_COMMAND } from "../../protocol/inbox.ts";
import { NICKNAME_CODE_POINTS } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";
import { type Posted, readText } from "./post.ts";
import { skeletonOf } from "./skeleton.ts";

/** The sentence for developers about a whisper that was not stored. */
const NOBODY = "That person is not in the room, so nobody got the whisper.";

/** The part of a site that whispers need. */
type WhisperingSite = { db: Knex; wakeUps: WakeUps };

/** A whisper to the member `to`. `id` is the client's own key, by which a resend is recognized. */
export type NewWhisper = { id: string; to: string; text: string };

/**
 * Stores a whisper in the inboxes of its author and its receiver, and resolves once it is durable.
 * The same id again from the same member returns the first event. Returns `undefined` if the author
 * is not in the room under its nickname. Throws `no_such_member` if the receiver is not in it, and
 * `no_such_room`.
 */
export async function whisper(
  { db, wakeUps }: WhisperingSite,
  {
    roomId,
    member,
    whisper: { id, to, text },
    isSecret,
  }: {
    roomId: number;
    member: Member;
    whisper: NewWhisper;
    isSecret?: boolean;
  },
): Promise<Posted | undefined> {
  const stored = await appendWhisper(
    db,
    { roomId, member, to, text, clientId: id, isSecret: isSecret === true },
    wakeUps,
  );
  if (stored === "gone") throw refuse("no_such_room");
  if (stored === "away") throw refuse("no_such_member", NOBODY);
  return stored === "absent" ? undefined : stored;
}

/** Reads the receiver of a whisper. Nobody whispers to themselves. Throws `malformed`. */
export function readReceiver(to: string, member: Member): string {
  if (to === member.id) throw refuse("malformed", "to: the id of another member");
  return to;
}

/**
 * Finds the receiver of a whisper by command, `/w name text`. A name may have spaces, so the
 * longest one that a member has counts. Throws `no_such_member` and `text_invalid`.
 */
export async function readCommand(
  db: Knex,
  { roomId, member, text }: { roomId: number; member: Member; text: string },
): Promise<{ to: string; text: string }> {
  const readings = readingsOf(text.replace(WHISPER_COMMAND, ""));
  if (readings.length === 0) throw refuse("no_such_member", NOBODY);
  const looks = readings.map(({ nickname }) => skeletonOf(nickname));
  const members = new Map((await findByLook(db, roomId, looks)).map(({ look, memberId }) => [look, memberId]));
  const index = looks.findLastIndex((look) => members.has(look));
  const reading = readings[index];
  if (reading === undefined) throw refuse("no_such_member", NOBODY);
  return { to: readReceiver(members.get(looks[index] as string) as string, member), text: readText(reading.text) };
}

type Reading = { nickname: string; text: string };

/**
 * Returns all ways to divide `Ann Lee how are you?` into a name and a text, the shortest name
 * first.
 */
function readingsOf(rest: string): Reading[] {
  const readings: Reading[] = [];
  for (const { index, 0: space } of rest.matchAll(/\s+|$/g)) {
    const nickname = rest.slice(0, index).replace(/^[@\uff20]/, "");
    if ([...nickname].length > NICKNAME_CODE_POINTS) break;
    if (nickname !== "") readings.push({ nickname, text: rest.slice(index + space.length) });
  }
  return readings;
}
