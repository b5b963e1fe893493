import type { Knex } from "knex";
import { up as before } from "./20261125000001_append_events.ts";

/**
 * A message is stored under the nickname and trip that its member has entered the room with. Who has another meanwhile
 * enters under it first, as who is not in the room does: or he would speak as somebody who is there, and whom the list of members
 * does not show.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    -- see append() in db/log/events.ts. Each statement in it sees what was committed before that statement began: what is
    -- looked up is looked up when the rooms are locked. channel: where to tell who has news; null tells nobody
    create or replace function append_events(
      room_ids int[], kinds text[], member_ids text[], nicknames text[], colors text[], trips text[], texts text[],
      client_ids text[], channel text
    ) returns table (place bigint, slug text, seq bigint, at timestamptz)
    language plpgsql
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
    as $$
    #variable_conflict use_column
    begin
      perform from rooms where id = any(room_ids) order by id for no key update;
      return query
      with draft as materialized (
        select * from unnest(
          room_ids, kinds, member_ids, nicknames, colors, trips, texts, client_ids
        ) with ordinality as d (room_id, kind, member_id, nickname, color, trip, text, client_id, place)
      ), fresh as materialized (
        select distinct on (member_id, coalesce(client_id, place::text)) draft.* from draft
        where not exists (
            select from events e where e.member_id = draft.member_id and e.client_id = draft.client_id
          )
          and (kind <> 'message' or exists (
            select from members m where m.room_id = draft.room_id and m.member_id = draft.member_id
              and m.nickname = draft.nickname and m.trip is not distinct from draft.trip
          ))
        order by member_id, coalesce(client_id, place::text), place
      ), numbered as materialized (
        select fresh.*, r.slug, r.last_seq + row_number() over (partition by fresh.room_id order by place) as seq,
          date_trunc('milliseconds', clock_timestamp()) as at
        from fresh join rooms r on r.id = fresh.room_id
      ), inserted as (
        insert into events (room_id, seq, kind, member_id, nickname, color, trip, text, client_id, at)
        select room_id, seq, kind, member_id, nickname, color, trip, text, client_id, at from numbered
        returning room_id, seq, at
      ), moved as (
        update rooms set last_seq = n.seq, last_at = n.at
        from (select room_id, max(seq) as seq, max(at) as at from inserted group by room_id) n
        where rooms.id = n.room_id returning rooms.id, rooms.last_seq
      ), told as materialized (
        select pg_notify(channel, string_agg(id || ':' || last_seq, ' ' order by id)) from moved
        where channel is not null having count(*) > 0
      )
      select n.place, n.slug, n.seq, n.at from numbered n cross join (select count(*) from told) as once_told;
    end
    $$;
  `);
}

/** The function as it was. */
export async function down(db: Knex): Promise<void> {
  await before(db);
}
