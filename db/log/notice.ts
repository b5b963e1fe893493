import type { Knex } from "knex";
import type { Member } from "../../protocol/event.ts";
import { rowsOf } from "../pool/statement.ts";
import { isCollision } from "./append.ts";
import { type EventRow, eventOf, type Stored } from "./event-row.ts";
import { findSent } from "./read.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/** Something that the site itself says in a room. `clientId` makes a resend harmless. */
export type Notice = { roomId: number; member: Member; text: string; clientId: string };

/**
 * Appends a notice to a room's log, whether or not its member is in the room. Returns the first
 * copy of a resend, and `undefined` if the room is gone.
 */
export async function appendNotice(db: Knex, notice: Notice, wakeUps: WakeUps): Promise<Stored | undefined> {
  const sent = await findSent(db, notice.member.id, notice.clientId);
  if (sent !== undefined) return sent;
  try {
    return await insertNotice(db, notice, wakeUps);
  } catch (error) {
    if (!isCollision(error)) throw error;
    return findSent(db, notice.member.id, notice.clientId);
  }
}

/** Locks the room's row first, as every append does, so that seqs commit in their order. */
async function insertNotice(
  db: Knex,
  { roomId, member, text, clientId }: Notice,
  wakeUps: WakeUps,
): Promise<Stored | undefined> {
  const channel = notifyChannelOf(wakeUps);
  const [row] = await rowsOf<EventRow>(
    db,
    `with room as materialized (
       select id, slug, last_seq from rooms where id = ? and inbox_of is null for no key update
     ), said as (
       insert into events (room_id, seq, kind, member_id, nickname, color, text, client_id, at)
       select id, last_seq + 1, 'notice', ?, ?, ?, ?, ?, date_trunc('milliseconds', clock_timestamp()) from room
       returning *
     ), moved as (
       update rooms set last_seq = said.seq, last_at = said.at from said where rooms.id = said.room_id
       returning rooms.id
     ), notified as materialized (
       select pg_notify(?::text, said.room_id || ':' || said.seq) from said, moved where ?::text is not null
     )
     select said.*, room.slug from said cross join room cross join (select count(*) from notified) as once`,
    [roomId, member.id, member.nickname, member.color, text, clientId, channel, channel],
  );
  if (row === undefined) return undefined;
  await publishHeads(db, wakeUps, [row]);
  return { roomId, event: eventOf(row), isNew: true };
}
