import type { Knex } from "knex";
import type { EventKind, Member, RoomEvent } from "../../protocol/event.ts";
import { prepared, runPrepared } from "../pool/prepared.ts";
import { tellsBeside, tellWhenCommitted } from "./wake-ups.ts";

/** An event that has no seq yet. `clientId` makes a resend by the same member harmless. */
export type Draft = { roomId: number; kind: EventKind; member: Member; text?: string; clientId?: string };

/** An event of the log with its room's number; `isNew` is false when a resend found the first one's row. */
export type Stored = { roomId: number; event: RoomEvent; isNew: boolean };

/** The channel on which every append says who has news: `room:seq room:seq …`, see server/bus/bus.ts. */
export const NEWS_CHANNEL = "chattera";

/** Constraints that a concurrent transaction can violate. */
const COLLISIONS = ["events_client_id", "members_look", "members_pkey"];

/** Drafts in one append: each names a room at most, 20 digits and signs, and a NOTIFY carries 8000 bytes. */
export const APPEND_LIMIT = 256;

/**
 * Appends drafts to their rooms' logs in the order given and publishes the wake-up, in one statement: the function
 * append_events().
 *
 * Returns one answer per draft, in order: the stored event; or what the member had stored under that client id before,
 * in any room; or `undefined` for a message of a member who is not in the room under that name. The member's row in the
 * room decides the color and the tag of a message.
 *
 * The rows of the rooms are locked in ascending order, so that two nodes never wait for each other, until the commit. So
 * commit order in a room is seq order: no reader ever sees 43 before 42. A seq is taken only with its row, so there are
 * no gaps. Where a resend's first copy is being stored in another room, the unique index refuses the whole statement;
 * isCollision() recognizes that error, and the next attempt finds the copy.
 */
export async function append(db: Knex, drafts: Draft[]): Promise<(Stored | undefined)[]> {
  const { rows } = await runPrepared<Appended>(db, APPEND, [...columnsOf(drafts), channelOf(db)]);
  return storedOf(db, drafts, rows);
}

const APPEND = prepared(
  `select * from append_events(
    ?::int[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?
  )`,
);

/** Did the statement meet what another transaction was storing? The next attempt finds it stored. */
export function isCollision(error: unknown): boolean {
  return COLLISIONS.includes((error as { constraint?: string }).constraint ?? "");
}

/** What a member sent under a client id, if anything. */
export async function findSent(db: Knex, memberId: string, clientId: string): Promise<Stored | undefined> {
  return (await readSent(db, [{ memberId, clientId }]))[0];
}

/** The events after each room's position, in order, at most `limit` a room. */
export async function readSince(db: Knex, after: Map<number, number>, limit: number): Promise<Stored[]> {
  const { rows } = await runPrepared<EventRow>(db, EVENTS_SINCE, [[...after.keys()], [...after.values()], limit]);
  return rows.map((row) => ({ roomId: row.room_id, event: eventOf(row), isNew: false }));
}

const EVENTS_SINCE = prepared("select * from events_since(?::int[], ?::bigint[], ?)");

/** The next events after a seq, at most `limit` and about `bytes` of text, but one in any case. */
export async function readPage(
  db: Knex,
  roomId: number,
  after: number,
  limit: number,
  bytes: number,
): Promise<RoomEvent[]> {
  const { rows } = await db.raw<{ rows: EventRow[] }>(
    `select e.*, r.slug from (
       select page.*, coalesce(sum(octet_length(text)) over (order by seq rows between unbounded preceding and 1 preceding), 0) as before
       from (select * from events where room_id = ? and seq > ? order by seq limit ?) page
     ) e join rooms r on r.id = e.room_id where e.before < ? order by e.seq`,
    [roomId, after, limit, bytes],
  );
  return rows.map(eventOf);
}

/** The last `limit` events before a seq, oldest first. */
export async function readBefore(db: Knex, roomId: number, before: number, limit: number): Promise<RoomEvent[]> {
  const { rows } = await db.raw<{ rows: EventRow[] }>("select * from events_before(?, ?, ?) order by seq", [
    roomId,
    before,
    limit,
  ]);
  return rows.map(eventOf);
}

/** Returns a room's enter and leave events after a seq, in order, at most `limit`. */
export async function readMoves(db: Knex, roomId: number, after: number, limit: number): Promise<RoomEvent[]> {
  const { rows } = await db.raw<{ rows: EventRow[] }>(
    `select *, '' as slug from events where room_id = ? and seq > ? and kind <> 'message' order by seq limit ?`,
    [roomId, after, limit],
  );
  return rows.map(eventOf);
}

/** The channel that the append itself notifies; null where something else publishes wake-ups. */
export function channelOf(db: Knex): string | null {
  return tellsBeside(db) ? null : NEWS_CHANNEL;
}

/** Publishes where rooms stand, once the transaction is committed, unless the append did so itself. */
export async function publishHeads(db: Knex, heads: { room_id: number; seq: number }[]): Promise<void> {
  const beside = tellsBeside(db);
  if (!beside || heads.length === 0) return;
  const newest = new Map<number, number>();
  for (const { room_id, seq } of heads) newest.set(room_id, Math.max(seq, newest.get(room_id) ?? 0));
  const payload = [...newest].map(([roomId, seq]) => `${roomId}:${seq}`).join(" ");
  await tellWhenCommitted(db, beside, NEWS_CHANNEL, payload);
}

/** Returns one answer per draft from the rows of an append, and publishes them; resends get their first copies. */
export async function storedOf(db: Knex, drafts: Draft[], rows: Appended[]): Promise<(Stored | undefined)[]> {
  const stored = new Array<Stored | undefined>(drafts.length).fill(undefined);
  for (const row of rows) {
    if (row.place === null) continue;
    const draft = drafts[row.place - 1] as Draft;
    stored[row.place - 1] = { roomId: draft.roomId, event: eventOfDraft(draft, row), isNew: true };
  }
  await publishHeads(db, rows);
  if (stored.includes(undefined)) await addSent(db, drafts, stored);
  return stored;
}

/** Returns one array per column: unnest() turns them back into rows, in order. */
export function columnsOf(drafts: Draft[]): Knex.RawBinding[] {
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
  ] as Knex.RawBinding[];
}

/** Fills in what resends find: their first copies. */
async function addSent(db: Knex, drafts: Draft[], stored: (Stored | undefined)[]): Promise<void> {
  const resends = drafts.flatMap(({ member, clientId }, index) =>
    stored[index] || clientId === undefined ? [] : [{ memberId: member.id, clientId }],
  );
  if (resends.length === 0) return;
  const sent = new Map((await readSent(db, resends)).map((one) => [`${one.event.member.id} ${one.event.id}`, one]));
  drafts.forEach(({ member, clientId }, index) => {
    stored[index] ??= sent.get(`${member.id} ${clientId}`);
  });
}

async function readSent(db: Knex, keys: { memberId: string; clientId: string }[]): Promise<Stored[]> {
  const { rows } = await db.raw<{ rows: EventRow[] }>(
    `select e.*, r.slug
     from unnest(?::text[], ?::text[]) as sent (member_id, client_id)
     join events e on e.member_id = sent.member_id and e.client_id = sent.client_id
     join rooms r on r.id = e.room_id`,
    [keys.map((key) => key.memberId), keys.map((key) => key.clientId)],
  );
  return rows.map((row) => ({ roomId: row.room_id, event: eventOf(row), isNew: false }));
}

/** An event that was just stored; `place` is its draft's, from 1, or null for one that no draft asked for. */
export type Appended = {
  place: number | null;
  room_id: number;
  slug: string;
  seq: number;
  at: Date;
  color: string;
  tag: string | null;
};

type EventRow = {
  room_id: number;
  slug: string;
  seq: number;
  kind: EventKind;
  member_id: string;
  nickname: string;
  color: string;
  trip: string | null;
  tag: string | null;
  text: string | null;
  client_id: string | null;
  at: Date;
};

/** A row in the words of the protocol; what is null there is absent here. */
function eventOf(row: EventRow): RoomEvent {
  const member: Member = { id: row.member_id, nickname: row.nickname, color: row.color };
  if (row.trip !== null) member.trip = row.trip;
  if (row.tag !== null) member.tag = row.tag;
  const event: RoomEvent = { room: row.slug, seq: row.seq, kind: row.kind, member, at: row.at.toISOString() };
  if (row.text !== null) event.text = row.text;
  if (row.client_id !== null) event.id = row.client_id;
  return event;
}

/** The same of a draft that was stored just now. */
function eventOfDraft({ kind, member, text, clientId }: Draft, appended: Appended): RoomEvent {
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
  });
}
