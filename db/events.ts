import type { Knex } from "knex";
import type { EventKind, Member, RoomEvent } from "../protocol/event.ts";
import { tellsBeside, tellWhenCommitted } from "./wake-ups.ts";

/** An event that has no seq yet. `clientId` makes a resend by the same member harmless. */
export type Draft = { roomId: number; kind: EventKind; member: Member; text?: string; clientId?: string };

/** An event of the log with its room's number; `isNew` is false when a resend found the first one's row. */
export type Stored = { roomId: number; event: RoomEvent; isNew: boolean };

/** The channel on which every append says who has news: `room:seq room:seq …`, see server/delivery/bus.ts. */
export const NEWS_CHANNEL = "chattera";

/** The constraint that a resend under way on another node runs into. */
export const COLLISION = "events_client_id";

/** Drafts in one append: each names a room at most, 20 digits and signs, and a NOTIFY carries 8000 bytes. */
export const APPEND_LIMIT = 256;

/**
 * Appends drafts to their rooms' logs in the order given and tells the bus, in one statement: the function
 * append_events().
 *
 * Gives one answer per draft, in order: what was stored; or what the member had stored under that client id before,
 * in whatever room; or `undefined` for a message of someone who is not present under that name.
 *
 * The rows of the rooms are locked in ascending order (two nodes wait for each other, never both at once) until the
 * commit; no key update, for who enters holds the room's key (by the foreign key) when he comes here. So commit order
 * in a room is seq order: no reader ever sees 43 before 42. A seq is taken only with its row, so there are no gaps.
 * Where a resend's first copy is being stored in another room, the unique index refuses the whole statement with the
 * constraint named COLLISION; tried again, it finds that copy.
 */
export async function append(db: Knex, drafts: Draft[]): Promise<(Stored | undefined)[]> {
  const beside = tellsBeside(db);
  const { rows } = await db.raw<{ rows: Appended[] }>(
    `select * from append_events(
      ?::int[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?
    )`,
    [...columnsOf(drafts), beside ? null : NEWS_CHANNEL],
  );
  const stored = new Array<Stored | undefined>(drafts.length).fill(undefined);
  for (const row of rows) {
    const draft = drafts[row.place - 1] as Draft;
    stored[row.place - 1] = { roomId: draft.roomId, event: eventOfDraft(draft, row), isNew: true };
  }
  if (beside && rows.length > 0) await tellWhenCommitted(db, beside, NEWS_CHANNEL, newsOf(stored));
  if (rows.length < drafts.length) await addSent(db, drafts, stored);
  return stored;
}

/** What a member sent under a client id, if anything. */
export async function findSent(db: Knex, memberId: string, clientId: string): Promise<Stored | undefined> {
  return (await readSent(db, [{ memberId, clientId }]))[0];
}

/** The events after each room's position, in order, at most `limit` a room. */
export async function readSince(db: Knex, after: Map<number, number>, limit: number): Promise<Stored[]> {
  const { rows } = await db.raw<{ rows: EventRow[] }>("select * from events_since(?::int[], ?::bigint[], ?)", [
    [...after.keys()],
    [...after.values()],
    limit,
  ]);
  return rows.map((row) => ({ roomId: row.room_id, event: eventOf(row), isNew: false }));
}

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

/** One array per column: unnest() turns them back into rows, in order. */
function columnsOf(drafts: Draft[]): Knex.RawBinding[] {
  return [
    drafts.map((draft) => draft.roomId),
    drafts.map((draft) => draft.kind),
    drafts.map((draft) => draft.member.id),
    drafts.map((draft) => draft.member.nickname),
    drafts.map((draft) => draft.member.color),
    drafts.map((draft) => draft.member.trip ?? null),
    drafts.map((draft) => draft.text ?? null),
    drafts.map((draft) => draft.clientId ?? null),
  ] as Knex.RawBinding[];
}

/** `room:seq room:seq …`, as append_events() says it. */
function newsOf(stored: (Stored | undefined)[]): string {
  const heads = new Map(stored.flatMap((one) => (one ? [[one.roomId, one.event.seq]] : [])));
  return [...heads].map(([roomId, seq]) => `${roomId}:${seq}`).join(" ");
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

type Appended = { place: number; slug: string; seq: number; at: Date };

type EventRow = {
  room_id: number;
  slug: string;
  seq: number;
  kind: EventKind;
  member_id: string;
  nickname: string;
  color: string;
  trip: string | null;
  text: string | null;
  client_id: string | null;
  at: Date;
};

/** A row in the words of the protocol; what is null there is absent here. */
function eventOf(row: EventRow): RoomEvent {
  const member: Member = { id: row.member_id, nickname: row.nickname, color: row.color };
  if (row.trip !== null) member.trip = row.trip;
  const event: RoomEvent = { room: row.slug, seq: row.seq, kind: row.kind, member, at: row.at.toISOString() };
  if (row.text !== null) event.text = row.text;
  if (row.client_id !== null) event.id = row.client_id;
  return event;
}

/** The same of a draft that was stored just now. */
function eventOfDraft({ kind, member, text, clientId }: Draft, { slug, seq, at }: Appended): RoomEvent {
  return eventOf({
    room_id: 0,
    slug,
    seq,
    kind,
    member_id: member.id,
    nickname: member.nickname,
    color: member.color,
    trip: member.trip ?? null,
    text: text ?? null,
    client_id: clientId ?? null,
    at,
  });
}
