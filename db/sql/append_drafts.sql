-- Appends drafts to the logs of their rooms, in the order given, and returns a row for each event
-- that it stored. `place` is the number of the event's draft, from 1. `targets` are the seqs that
-- events are about: the message that an edit or an erase changes, or that a message replies to.
-- Called by append() in db/log/append.ts, and by the other functions that append.
--
-- The rooms are locked in ascending order before anything is read, and each statement of a function
-- reads what was committed before that statement began. So all that is looked up holds until the
-- commit. The members' rows decide the color and the tag of messages, and of the notices that
-- members cause. If `channel` is null, there is no NOTIFY.
--
-- The plan is made once per connection, which halves what an append costs. It may be made while the
-- log is empty, so scans and joins that suit an empty log are off. `offset 0` keeps the planner
-- from turning the look-up of a room into a join that reads all rooms.
create or replace function append_drafts(
  room_ids int[], kinds text[], member_ids text[], nicknames text[], colors text[], trips text[], tags text[],
  texts text[], client_ids text[], targets bigint[], channel text
) returns table (place bigint, room_id int, slug text, seq bigint, at timestamptz, color text, tag text)
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
  with fresh as (
    select distinct on (d.member_id, coalesce(d.client_id, d.place::text))
      d.room_id, d.kind, d.member_id, d.nickname, coalesce(m.color, d.color) as color, d.trip,
      coalesce(m.tag, d.tag) as tag, d.text, d.client_id, d.target, d.place
    from unnest(
      room_ids, kinds, member_ids, nicknames, colors, trips, tags, texts, client_ids, targets
    ) with ordinality as d (
      room_id, kind, member_id, nickname, color, trip, tag, text, client_id, target, place
    )
    left join members m on d.kind in ('message', 'notice') and m.room_id = d.room_id and m.member_id = d.member_id
      and m.nickname = d.nickname and m.trip is not distinct from d.trip
    where not exists (
        select from events e where e.member_id = d.member_id and e.client_id = d.client_id
      )
      and (d.kind not in ('message', 'notice') or m.member_id is not null)
    order by d.member_id, coalesce(d.client_id, d.place::text), d.place
  ), numbered as materialized (
    select fresh.*, r.slug, r.last_seq + row_number() over (partition by fresh.room_id order by place) as seq,
      date_trunc('milliseconds', clock_timestamp()) as at
    from fresh cross join lateral (select slug, last_seq from rooms where id = fresh.room_id offset 0) r
  ), inserted as (
    insert into events (room_id, seq, kind, member_id, nickname, color, trip, tag, text, client_id, target, at)
    select room_id, seq, kind, member_id, nickname, color, trip, tag, text, client_id, target, at from numbered
  ), moved as (
    update rooms set last_seq = n.seq, last_at = n.at
    from (select room_id, max(seq) as seq, max(at) as at from numbered group by room_id) n
    where rooms.id = n.room_id and rooms.id = any(room_ids) returning rooms.id, rooms.last_seq
  ), notified as materialized (
    select pg_notify(channel, string_agg(id || ':' || last_seq, ' ' order by id)) from moved
    where channel is not null having count(*) > 0
  )
  select n.place, n.room_id, n.slug, n.seq, n.at, n.color, n.tag
  from numbered n cross join (select count(*) from notified) as once;
end
$$;
