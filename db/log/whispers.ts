import type { Knex } from "knex";
import type { Member, RoomEvent } from "../../protocol/event.ts";
import { prepared, runPrepared } from "../pool/prepared.ts";
import { rowsOf } from "../pool/statement.ts";
import { isCollision } from "./append.ts";
import { type EventRow, eventOf, type Stored } from "./event-row.ts";
import type { StoredRoom } from "./rooms.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/**
 * A whisper of a member to the member `to` of the same room. With `isSecret`, only its author gets
 * it.
 */
export type Whisper = {
  roomId: number;
  member: Member;
  to: string;
  text: string;
  clientId: string;
  isSecret?: boolean;
};

/**
 * The reason why a whisper was not stored. `gone`: there is no such room. `absent`: the author is
 * not in the room under this nickname and trip. `away`: the receiver is not in it.
 */
export type WhisperRefusal = "gone" | "absent" | "away";

/** A member's inbox in a room. */
export type InboxKey = { roomId: number; memberId: string };

/** An inbox by its number in the log. */
export type Inbox = InboxKey & { id: number };

/** The channel on which new inboxes are published. */
export const INBOX_CHANNEL = "chattera_inbox";

/**
 * Stores a whisper in the inboxes of its author and its receiver, and publishes the wake-up. This
 * is one statement, see db/sql/append_whisper.sql. Returns the whisper as it is in the author's
 * inbox, or the first one that was stored under the same client id.
 */
export async function appendWhisper(
  db: Knex,
  { roomId, member, to, text, clientId, isSecret = false }: Whisper,
  wakeUps?: WakeUps,
): Promise<Stored | WhisperRefusal> {
  const { id, nickname, trip = null } = member;
  const bindings = [roomId, id, nickname, trip, to, text, clientId, isSecret, notifyChannelOf(wakeUps)];
  // If this author stores a message under the same id at this moment, the second attempt finds it.
  const [row] = await runPrepared<WhisperRow>(db, APPEND, bindings).catch((error) => {
    if (!isCollision(error)) throw error;
    return runPrepared<WhisperRow>(db, APPEND, bindings);
  });
  if (row === undefined) return "gone";
  if (row.outcome !== "stored" && row.outcome !== "known") return row.outcome;
  const isNew = row.outcome === "stored";
  if (isNew) await publishWhisper(db, wakeUps, { row, roomId, to });
  return { roomId: row.room_id, event: eventOf(row), isNew };
}

type WhisperRow = EventRow & {
  outcome: "stored" | "known" | WhisperRefusal;
  other_room: number | null;
  other_seq: number | null;
};

const APPEND = prepared("select * from append_whisper(?, ?, ?, ?, ?, ?, ?, ?, ?)");

/** The first whisper of an inbox has made it. */
async function publishWhisper(
  db: Knex,
  wakeUps: WakeUps | undefined,
  { row, roomId, to }: { row: WhisperRow; roomId: number; to: string },
): Promise<void> {
  const heads = [{ room_id: row.room_id, seq: row.seq }];
  const made: Inbox[] = row.seq === 1 ? [{ id: row.room_id, roomId, memberId: row.member_id }] : [];
  if (row.other_room !== null && row.other_seq !== null) {
    heads.push({ room_id: row.other_room, seq: row.other_seq });
    if (row.other_seq === 1) made.push({ id: row.other_room, roomId, memberId: to });
  }
  await publishHeads(db, wakeUps, heads);
  if (made.length > 0) await wakeUps?.publish(INBOX_CHANNEL, made.map(inboxText).join(" "));
}

/** Nodes look for new inboxes themselves, so a payload that is lost costs seconds only. */
function inboxText({ id, roomId, memberId }: Inbox): string {
  return `${id}:${roomId}:${encodeURIComponent(memberId)}`;
}

/** Parses a payload of INBOX_CHANNEL. */
export function readInboxes(payload: string): Inbox[] {
  return payload.split(" ").map((text) => {
    const [id, roomId, memberId = ""] = text.split(":");
    return { id: Number(id), roomId: Number(roomId), memberId: decodeURIComponent(memberId) };
  });
}

/** An inbox with its log's state, as that of a room. */
export type StoredInbox = InboxKey & { room: StoredRoom };

/** Returns the inboxes of these members that exist, in no particular order. */
export async function findInboxes(db: Knex, keys: InboxKey[]): Promise<StoredInbox[]> {
  const rows = await rowsOf<StoredRoom & InboxKey>(
    db,
    `select r.id, r.slug, r.title, r.public, r.silent, r.last_seq as head,
       r.parent_id as "roomId", r.inbox_of as "memberId"
     from unnest(?::int[], ?::text[]) as k (room_id, member_id)
     join rooms r on r.parent_id = k.room_id and r.inbox_of = k.member_id`,
    [keys.map(({ roomId }) => roomId), keys.map(({ memberId }) => memberId)],
  );
  return rows.map(({ roomId, memberId, ...room }) => ({ roomId, memberId, room }));
}

/** Inboxes that were made since a time, and the database's time. */
export type NewInboxes = { inboxes: Inbox[]; now: Date };

/** A transaction may commit this much later than the time that it gives its inbox. */
const LATE_SECONDS = 10;

/** Returns the inboxes that were made since a time of the database, or a little before. */
export async function readNewInboxes(db: Knex, since: Date | undefined): Promise<NewInboxes> {
  const rows = await rowsOf<{ now: Date; id: number | null; roomId: number; memberId: string }>(
    db,
    `select now() as now, r.id, r.parent_id as "roomId", r.inbox_of as "memberId"
     from (select 1) one left join rooms r
       on r.inbox_of is not null and r.created_at > coalesce(?::timestamptz, now()) - make_interval(secs => ?)`,
    [since ?? null, LATE_SECONDS],
  );
  const inboxes = rows.flatMap(({ id, roomId, memberId }) => (id === null ? [] : [{ id, roomId, memberId }]));
  return { inboxes, now: rows[0]?.now ?? new Date() };
}

/** Which whispers of an inbox to read. `from` and `until` are RFC 3339. */
export type WhisperRange = {
  inboxId: number;
  before?: number | undefined;
  from?: string | undefined;
  until?: string | undefined;
  limit: number;
};

/** Returns the newest whispers of an inbox before a seq and within a time, oldest first. */
export async function readWhispers(
  db: Knex,
  { inboxId, before = Number.MAX_SAFE_INTEGER, from, until, limit }: WhisperRange,
): Promise<RoomEvent[]> {
  const rows = await rowsOf<EventRow>(
    db,
    `select e.*, r.slug from events e join rooms r on r.id = e.room_id
     where e.room_id = ? and e.seq < ? and e.seq > r.pruned_seq and e.kind = 'whisper'
       and (?::timestamptz is null or e.at >= ?::timestamptz) and (?::timestamptz is null or e.at < ?::timestamptz)
     order by e.seq desc limit ?`,
    [inboxId, before, from ?? null, from ?? null, until ?? null, until ?? null, limit],
  );
  return rows.map(eventOf).reverse();
}

/** Returns the members of a room with these skeletons of nicknames. */
export function findByLook(db: Knex, roomId: number, looks: string[]): Promise<{ look: string; memberId: string }[]> {
  return rowsOf(db, `select look, member_id as "memberId" from members where room_id = ? and look = any(?::text[])`, [
    roomId,
    looks,
  ]);
}

/**
 * Removes inboxes whose owners are not in the room and that nobody used for some days, at most
 * `limit`. Returns their numbers. Their events remain, see deleteEvents().
 */
export async function removeOldInboxes(db: Knex, days: number, limit: number): Promise<number[]> {
  const rows = await rowsOf<{ id: number }>(
    db,
    `delete from rooms where id in (
       select r.id from rooms r
       where r.inbox_of is not null and greatest(r.created_at, r.last_at) < now() - make_interval(days => ?)
         and not exists (select from members m where m.room_id = r.parent_id and m.member_id = r.inbox_of)
       order by r.id limit ? for update skip locked
     ) returning id`,
    [days, limit],
  );
  return rows.map(({ id }) => id);
}
