import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";

/**
 * A room, the member that reads it, if it is one, and the messages that newcomers see. They also
 * see what is younger than `seconds`.
 */
export type MemberVisit = { roomId: number; memberId: string | undefined; messages: number; seconds: number };

/**
 * Returns the first seq that a person may see. That of a member who has been in the room is the one
 * that was the first when it was there for the first time.
 */
export async function findFirstSeen(db: Knex, { roomId, memberId, messages, seconds }: MemberVisit): Promise<number> {
  const [row] = await rowsOf<{ first: number }>(
    db,
    `with newest as materialized (
       select least(coalesce(seq_at(:roomId, now() - :seconds * interval '1 second'), last_seq + 1), coalesce((
         select seq from events where room_id = :roomId and kind in ('message', 'notice')
         order by seq desc offset :messages limit 1
       ), 0) + 1) as first from rooms where id = :roomId
     ), noted as (
       insert into room_visits (room_id, member_id, from_seq)
       select room_id, member_id, first from newest cross join members
       where room_id = :roomId and member_id = :memberId
       on conflict (room_id, member_id) do update set at = now() returning from_seq
     )
     select coalesce(
       (select from_seq from noted),
       (select from_seq from room_visits where room_id = :roomId and member_id = :memberId),
       (select first from newest)
     ) as first`,
    { roomId, memberId: memberId ?? "", messages, seconds },
  );
  return row?.first ?? 1;
}

/** Deletes what is known of members who were not in a room for `days` days. */
export async function pruneVisits(db: Knex, days: number): Promise<void> {
  await execute(db, "delete from room_visits where at < now() - make_interval(days => ?)", [days]);
}
