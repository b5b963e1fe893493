import type { Knex } from "knex";

/**
 * The two statements of the hot path as functions, whose plans each connection makes once: planning the append was half
 * of what it cost. A prepared statement would do the same, but not through a PgBouncer in transaction mode.
 *
 * A plan that is kept may have been made while the log was empty, so it is told to be one for a full log: by index.
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

    -- the events after each room's position, in order, at most so many a room
    create or replace function events_since(room_ids int[], positions bigint[], per_room int)
    returns table (
      room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, text text,
      client_id text, at timestamptz
    )
    language plpgsql stable
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
    as $$
    #variable_conflict use_column
    begin
      return query
      select r.id, r.slug, e.seq, e.kind, e.member_id, e.nickname, e.color, e.trip, e.text, e.client_id, e.at
      from unnest(room_ids, positions) as p (room_id, after)
      join rooms r on r.id = p.room_id
      cross join lateral (
        select * from events where events.room_id = p.room_id and events.seq > p.after order by events.seq limit per_room
      ) e
      order by p.room_id, e.seq;
    end
    $$;
  `);
}

/** Drops the functions; who runs the version before has no use for them. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop function append_events(int[], text[], text[], text[], text[], text[], text[], text[], text);
    drop function events_since(int[], bigint[], int);
  `);
}
