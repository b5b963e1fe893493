import type { Knex } from "knex";
import type { EventKind, Member, RoomEvent } from "../../protocol/event.ts";
import { prepared, runPrepared } from "../pool/prepared.ts";
import { eventOf, type Stored } from "./event-row.ts";
import { readSent } from "./read.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/**
 * An event without a seq yet. `clientId` makes a resend by the same member harmless. `target` is
 * the seq of the message that a message replies to.
 */
export type Draft = {
  roomId: number;
  kind: EventKind;
  member: Member;
  text?: string;
  clientId?: string;
  target?: number | undefined;
};

/**
 * An event that an append stored. `place` is the number of its draft, from 1; null for an enter or
 * a leave.
 */
export type Appended = {
  place: number | null;
  room_id: number;
  slug: string;
  seq: number;
  at: Date;
  color: string;
  tag: string | null;
};

/**
 * Drafts in one append. Each names one room at most, in up to 20 characters, and a NOTIFY carries
 * 8000 bytes.
 */
export const APPEND_LIMIT = 256;

/**
 * Appends drafts to the logs of their rooms, in the order given, and publishes the wake-up. This is
 * one statement, see db/sql/append_drafts.sql. Without `wakeUps`, it notifies over PostgreSQL.
 *
 * Returns one answer per draft, in order: the stored event, or the event that the member had stored
 * under that client id before, in any room, or `undefined` for a message of a member who is not in
 * the room under that nickname and trip. The member's row in the room decides the color and the tag
 * of a message.
 *
 * Rows of rooms are locked in ascending order until the commit, so two nodes cannot deadlock, and
 * events commit in the order of their seqs: no reader can see 43 before 42. A seq is taken only
 * together with its row, so there are no gaps. If the first copy of a resend is being stored in
 * another room, the unique index rejects the whole statement. isCollision() recognizes that error,
 * and the next attempt finds the copy.
 */
export async function append(db: Knex, drafts: Draft[], wakeUps?: WakeUps): Promise<(Stored | undefined)[]> {
  const bindings = [...draftColumns(drafts), notifyChannelOf(wakeUps)];
  const appended = await runPrepared<Appended>(db, APPEND, bindings);
  await publishHeads(db, wakeUps, appended);
  return answersTo(db, drafts, appended);
}

const APPEND = prepared(
  `select * from append_drafts(
    ?::int[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?
  )`,
);

/**
 * Returns whether a statement collided with another transaction. The next attempt finds what that
 * one stored.
 */
export function isCollision(error: unknown): boolean {
  return COLLISIONS.includes((error as { constraint?: string }).constraint ?? "");
}

/** Constraints that a concurrent transaction can violate. */
const COLLISIONS = ["events_client_id", "members_look", "members_pkey"];

/** Returns the drafts as one array per column, for unnest(). */
export function draftColumns(drafts: Draft[]): Knex.RawBinding[] {
  return [
    drafts.map((draft) => draft.roomId),
    drafts.map((draft) => draft.kind),
    drafts.map((draft) => draft.member.id),
    drafts.map((draft) => draft.member.nickname),
    drafts.map((draft) => draft.member.color),
    drafts.map((draft) => draft.member.trip ?? null),
    drafts.map((draft) => draft.member.tag ?? null),
    drafts.map((draft) => draft.text ?? null),
    drafts.map((draft) => draft.clientId ?? null),
    drafts.map((draft) => draft.target ?? null),
  ] as Knex.RawBinding[];
}

/** Returns one answer per draft from the rows of an append. A resend gets its first copy. */
export async function answersTo(db: Knex, drafts: Draft[], appended: Appended[]): Promise<(Stored | undefined)[]> {
  const answers = new Array<Stored | undefined>(drafts.length).fill(undefined);
  for (const row of appended) {
    if (row.place === null) continue;
    const draft = drafts[row.place - 1] as Draft;
    answers[row.place - 1] = { roomId: draft.roomId, event: eventOfDraft(draft, row), isNew: true };
  }
  if (answers.includes(undefined)) await addFirstCopies(db, drafts, answers);
  return answers;
}

function eventOfDraft({ kind, member, text, clientId, target }: Draft, appended: Appended): RoomEvent {
  const { room_id, slug, seq, at, color, tag } = appended;
  return eventOf({
    room_id,
    slug,
    seq,
    kind,
    member_id: member.id,
    nickname: member.nickname,
    color,
    trip: member.trip ?? null,
    tag,
    text: text ?? null,
    client_id: clientId ?? null,
    at,
    target: target ?? null,
    change: null,
    former: null,
  });
}

async function addFirstCopies(db: Knex, drafts: Draft[], answers: (Stored | undefined)[]): Promise<void> {
  const resends = drafts.flatMap(({ member, clientId }, index) =>
    answers[index] || clientId === undefined ? [] : [{ memberId: member.id, clientId }],
  );
  if (resends.length === 0) return;
  const sent = new Map((await readSent(db, resends)).map((one) => [`${one.event.member.id} ${one.event.id}`, one]));
  drafts.forEach(({ member, clientId }, index) => {
    answers[index] ??= sent.get(`${member.id} ${clientId}`);
  });
}
