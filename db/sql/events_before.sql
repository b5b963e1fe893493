-- Returns the last events of a room before a seq, the last one first. Only nodes of the version
-- before call it. talk_before.sql replaces it.
--
-- The planner does not know the bound, expects few rows and would sort the whole room for a page.
-- With sorting off, it reads by the key, which is in order.
create or replace function events_before(room int, before bigint, at_most int)
returns table (
  room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text,
  text text, client_id text, at timestamptz
)
language plpgsql stable rows 50
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
as $$
#variable_conflict use_column
begin
  return query
  select e.room_id, r.slug, e.seq, e.kind, e.member_id, e.nickname, e.color, e.trip, e.tag, e.text, e.client_id, e.at
  from events e join rooms r on r.id = e.room_id
  where e.room_id = room and e.seq < before and e.seq > (select pruned_seq from rooms where id = room)
  order by e.seq desc limit at_most;
end
$$;
