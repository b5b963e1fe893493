import type { Knex } from "knex";
import type { EventKind, Member, RoomEvent } from "../protocol/event.ts";

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
 * Appends drafts to their rooms' logs in the order given and tells the bus, in one statement.
 *
 * Gives one answer per draft, in order: what was stored; or what the member had stored under that client id before,
 * in whatever room; or `undefined` for a message of someone who is not present.
 *
 * The rows of the rooms are locked in ascending order (two nodes wait for each other, never both at once) until the
 * commit; no key update, for who enters holds the room's key (by the foreign key) when he comes here. So commit order
 * in a room is seq order: no reader ever sees 43 before 42. A seq is taken only with its row, so there are no gaps.
 * Where a resend's first copy is committed elsewhere while this waits for the lock, the unique index refuses the whole
 * statement with the constraint named COLLISION; tried again, it finds that copy.
 */
export async function append(db: Knex, drafts: Draft[]): Promise<(Stored | undefined)[]> {
  const { rows } = await db.raw<{ rows: EventRow[] }>(APPEND, bindingsOf(drafts));
  const byPlace = new Map(rows.map((row) => [row.place, row]));
  const byClientId = new Map(rows.map((row) => [`${row.member_id} ${row.client_id}`, row]));
  return drafts.map((draft, index) => {
    const row = byPlace.get(index + 1) ?? byClientId.get(`${draft.member.id} ${draft.clientId}`);
    return row && { roomId: row.room_id, event: eventOf(row), isNew: row.is_new && row.place === index + 1 };
  });
}

/** What a member sent under a client id, if anything. */
export async function findSent(db: Knex, memberId: string, clientId: string): Promise<Stored | undefined> {
  const { rows } = await db.raw<{ rows: EventRow[] }>(
    `select e.*, r.slug, false as is_new from events e join rooms r on r.id = e.room_id
     where e.member_id = ? and e.client_id = ?`,
    [memberId, clientId],
  );
  return rows[0] && { roomId: rows[0].room_id, event: eventOf(rows[0]), isNew: false };
}

/** The events after each room's position, in order, at most `limit` a room. */
export async function readSince(db: Knex, after: Map<number, number>, limit: number): Promise<Stored[]> {
  const { rows } = await db.raw<{ rows: EventRow[] }>(
    `select e.*, r.slug, false as is_new
     from unnest(?::int[], ?::bigint[]) as p (room_id, after)
     join rooms r on r.id = p.room_id
     cross join lateral (
       select * from events where room_id = p.room_id and seq > p.after order by seq limit ?
     ) e
     order by e.room_id, e.seq`,
    [[...after.keys()], [...after.values()], limit],
  );
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
  const { rows } = await db.raw<{ rows: EventRow[] }>(
    `select e.*, r.slug from (
       select * from events where room_id = ? and seq < ? order by seq desc limit ?
     ) e join rooms r on r.id = e.room_id order by e.seq`,
    [roomId, before, limit],
  );
  return rows.map(eventOf);
}

const APPEND = `
  with draft as materialized (
    select * from unnest(
      ?::int[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[]
    ) with ordinality as d (room_id, kind, member_id, nickname, color, trip, text, client_id, place)
  ), known as materialized (
    select draft.place, e.* from draft join events e on e.member_id = draft.member_id and e.client_id = draft.client_id
  ), fresh as materialized (
    select distinct on (member_id, coalesce(client_id, place::text)) draft.* from draft
    where place not in (select place from known)
      and (kind <> 'message' or exists (
        select from members m where m.room_id = draft.room_id and m.member_id = draft.member_id
      ))
    order by member_id, coalesce(client_id, place::text), place
  ), locked as materialized (
    select id, last_seq from rooms where id in (select room_id from fresh) order by id
    for no key update
  ), numbered as materialized (
    select fresh.*, last_seq + row_number() over (partition by room_id order by place) as seq,
      date_trunc('milliseconds', clock_timestamp()) as at
    from fresh join locked on locked.id = fresh.room_id
  ), inserted as (
    insert into events (room_id, seq, kind, member_id, nickname, color, trip, text, client_id, at)
    select room_id, seq, kind, member_id, nickname, color, trip, text, client_id, at from numbered
    returning room_id, seq, at
  ), moved as (
    update rooms set last_seq = n.seq, last_at = n.at
    from (select room_id, max(seq) as seq, max(at) as at from inserted group by room_id) n
    where rooms.id = n.room_id returning id, last_seq
  ), told as materialized (
    select pg_notify('${NEWS_CHANNEL}', string_agg(id || ':' || last_seq, ' ')) from moved having count(*) > 0
  ), answer as (
    select place, room_id, seq, kind, member_id, nickname, color, trip, text, client_id, at, true as is_new
    from numbered
    union all
    select place, room_id, seq, kind, member_id, nickname, color, trip, text, client_id, at, false from known
  )
  select answer.*, rooms.slug from answer join rooms on rooms.id = answer.room_id
  cross join (select count(*) from told) as once_told`;

/** One array per column: unnest() turns them back into rows, in order. */
function bindingsOf(drafts: Draft[]): Knex.RawBinding[] {
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

type EventRow = {
  place?: number;
  is_new: boolean;
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
