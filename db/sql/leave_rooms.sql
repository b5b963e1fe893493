-- Removes members from rooms, and returns a row for each of them: with the seq of its leave event,
-- or null for a member who entered silently and leaves without one. With `unseen_seconds`, removes
-- only members that no node has seen for that long. Called by leaveRooms() in db/log/leave.ts.
-- About the order of locks, see enter_and_append.sql.
create or replace function leave_rooms(room_ids int[], member_ids text[], unseen_seconds double precision, channel text)
returns table (room_id int, seq bigint)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  gone members[];
begin
  perform from rooms where id = any(room_ids) order by id for no key update;
  with due as (
    select m.room_id, m.member_id from unnest(room_ids, member_ids) as p (room_id, member_id)
    join members m on m.room_id = p.room_id and m.member_id = p.member_id
    where unseen_seconds is null or m.seen_at < now() - make_interval(secs => unseen_seconds)
    order by m.room_id, m.member_id for update of m
  ), deleted as (
    delete from members m using due where m.room_id = due.room_id and m.member_id = due.member_id returning m
  )
  select array_agg(m) from deleted into gone;
  if gone is null then return; end if;
  perform free_names(gone);
  return query select m.room_id, null::bigint from unnest(gone) m where m.silent;
  gone := array(select m from unnest(gone) m where not m.silent);
  if cardinality(gone) = 0 then return; end if;
  return query
  select a.room_id, a.seq
  from append_drafts(
    array(select room_id from unnest(gone)),
    array_fill('leave'::text, array[cardinality(gone)]),
    array(select member_id from unnest(gone)),
    array(select nickname from unnest(gone)),
    array(select color from unnest(gone)),
    array(select trip from unnest(gone)),
    array(select tag from unnest(gone)),
    array_fill(null::text, array[cardinality(gone)]),
    array_fill(null::text, array[cardinality(gone)]),
    array_fill(null::bigint, array[cardinality(gone)]),
    channel
  ) a;
end
$$;
