import type { Draft } from "../../db/log/append.ts";
import type { MemberNetwork } from "../../db/log/enter.ts";
import type { Stored } from "../../db/log/event-row.ts";
import type { GroupCommit } from "../../db/log/group-commit.ts";
import type { StoredRoom } from "../../db/log/rooms.ts";
import type { Member, RoomEvent } from "../../protocol/event.ts";
import { CLIENT_ID, TEXT_LENGTH } from "../../protocol/limits.ts";
import { Refusal, refuse } from "../refusal.ts";
import { replySchema } from "../wire.ts";
import { obey, type Spoken } from "./command.ts";
import { enter } from "./enter.ts";

/**
 * A message that a client sends. `id` is the client's own key, by which a resend is recognized.
 * `reply` is the seq of the message that it answers. A command has become a notice of the site.
 */
export type NewMessage = Spoken & { id: string; reply?: number | undefined };

/** A message in the log: its event and room, and whether this request stored it. */
export type Posted = { event: RoomEvent; roomId: number; isNew: boolean };

/** The input of a message, before it is checked. */
export type RawMessage = { id: unknown; text: unknown; reply?: number | undefined };

/**
 * Reads a message. The text stays as it was sent, unless it is a command. Throws `malformed`,
 * `text_invalid` or `dice_invalid`.
 */
export function readMessage({ id, text, reply }: RawMessage): NewMessage {
  const spoken = { id: readClientId(id), ...obey(readText(text)) };
  return reply === undefined ? spoken : { ...spoken, reply };
}

/** Reads a client id. Throws `malformed`. */
export function readClientId(id: unknown): string {
  if (typeof id !== "string" || !CLIENT_ID.test(id)) throw refuse("malformed", "id: 8 to 64 of A-Z a-z 0-9 _ -");
  return id;
}

/**
 * Reads the seq of the message that a message replies to; `undefined` if there is none. Throws
 * `malformed`.
 */
export function readReply(reply: unknown): number | undefined {
  if (reply === undefined || reply === "") return undefined;
  const { data } = replySchema.safeParse(reply);
  if (data === undefined) throw refuse("malformed", "reply: the seq of a message");
  return data;
}

/** Reads the text of a message. Throws `malformed` or `text_invalid`. */
export function readText(text: unknown): string {
  if (typeof text !== "string") throw refuse("malformed", "text: a string");
  if (isTooLong(text)) throw refuse("text_invalid");
  if (!text.isWellFormed() || UNSAYABLE.test(text) || !/[^\s\p{C}]/u.test(text)) throw refuse("text_invalid");
  return text;
}

/** A character is one or two units of UTF-16, so most texts are counted without splitting them. */
function isTooLong(text: string): boolean {
  return text.length > TEXT_LENGTH && (text.length > 2 * TEXT_LENGTH || [...text].length > TEXT_LENGTH);
}

/** How a message is posted. */
export type PostOptions = {
  /** The share of the queue in which the member counts if it has to enter first. */
  share: string;
  /** Returns the network in which the member counts if it has to enter first. */
  network(): MemberNetwork | undefined;
  /** Milliseconds that the message may wait for others to share its commit. */
  patienceMs: number;
  /**
   * The member was in the room a few seconds ago. Otherwise it probably has to enter, and one
   * commit does both.
   */
  isKnown: boolean;
};

/**
 * Posts a message in a room and resolves once it is durable. The same id again from the same member
 * returns the first event. A member that is not in the room enters it, in the same commit. Throws
 * `nickname_taken`, `full`, `no_such_room`, `too_many`, `unavailable`.
 */
export async function post(
  commit: GroupCommit,
  { room, member, message }: { room: Pick<StoredRoom, "id">; member: Member; message: NewMessage },
  { share, network, patienceMs, isKnown }: PostOptions,
): Promise<Posted> {
  const draft = draftOf(room, member, message);
  const stored = (isKnown ? await commit.append(draft, patienceMs) : undefined) ?? (await enterAndAppend());
  return { event: stored.event, roomId: stored.roomId, isNew: stored.isNew };

  async function enterAndAppend(): Promise<Stored> {
    const entry = { room, member, network: network() };
    const { stored } = await enter(commit, entry, { share, patienceMs: isKnown ? 0 : patienceMs, message: draft });
    // Only a message whose first copy was pruned in between can be neither new nor known.
    if (stored === undefined) throw refuse("unavailable");
    return stored;
  }
}

/**
 * Posts several messages of one member in a room, in this order, in one commit. Returns for each
 * what post() would return or throw. Throws `no_such_room` and `unavailable`. A member that is not
 * in the room enters it first, in a commit of its own.
 */
export async function postAll(
  commit: GroupCommit,
  { room, member, messages }: { room: Pick<StoredRoom, "id">; member: Member; messages: NewMessage[] },
  { share, network, patienceMs }: Omit<PostOptions, "isKnown">,
): Promise<(Posted | Refusal)[]> {
  const drafts = messages.map((message) => draftOf(room, member, message));
  let stored = await commit.appendAll(drafts, patienceMs);
  let refusal: Refusal | undefined;
  if (stored.includes(undefined)) {
    refusal = await enter(commit, { room, member, network: network() }, { share }).then(() => undefined, refusalIn);
    if (refusal === undefined) stored = await commit.appendAll(drafts);
  }
  // After entering, only a member that left again at once can be missing.
  return stored.map((one) => one ?? refusal ?? refuse("unavailable"));
}

/** Returns a refusal that concerns the member. Throws everything else. */
function refusalIn(error: unknown): Refusal {
  if (!(error instanceof Refusal) || error.code === "no_such_room" || error.code === "unavailable") throw error;
  return error;
}

function draftOf(room: Pick<StoredRoom, "id">, member: Member, { id, kind, text, reply }: NewMessage): Draft {
  return { roomId: room.id, kind, member, text, clientId: id, target: kind === "message" ? reply : undefined };
}

/**
 * Controls, except tab and line ends: PostgreSQL cannot store NUL, and terminals obey the others.
 */
const UNSAYABLE = /[\p{Cc}--[\t\n\r]]/v;
