-- Returns the events after each room's position, in order, at most `per_room` per room. Called by
-- readSince() in db/log/read.ts. About the settings and `offset 0`, see append_drafts.sql.
create or replace function events_after(room_ids int[], positions bigint[], per_room int)
returns table (
  room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text,
  text text, client_id text, at timestamptz, target bigint, change text, former jsonb
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
  select e.room_id, r.slug, e.seq, e.kind, e.member_id, e.nickname, e.color, e.trip, e.tag, e.text, e.client_id, e.at,
    e.target, e.change, e.former
  from unnest(room_ids, positions) as p (room_id, after)
  cross join lateral (select slug from rooms where id = p.room_id offset 0) r
  cross join lateral (
    select * from events where events.room_id = p.room_id and events.seq > p.after order by events.seq limit per_room
  ) e
  order by p.room_id, e.seq;
end
$$;
