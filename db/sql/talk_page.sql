-- Returns the last `messages` messages and notices of a room before a seq, and the other events
-- between them, in no particular order. Called by readTalk() in db/log/read.ts.
--
-- A long run of other events is shortened to its newest `per_run`, and all runs together to
-- `others` events, the newest ones. A part that is left out is a row of the kind `skipped`: the
-- events from `seq` to `last`, with the numbers of enters and leaves among them. At most `counted`
-- rows are counted; beyond that the numbers are null. The oldest event of the log is never left
-- out, so that a reader sees that nothing is before it.
--
-- Everything comes from one snapshot: an event that is appended meanwhile is after all of this. The
-- index events_talk finds the messages however long the runs are. The
-- planner does not know the bounds, and would sort the whole room for a page. With sorting off, it
-- reads by the keys, which are in order.
create or replace function talk_page(
  room int, before bigint, messages int, others int, per_run int, counted int
)
returns table (
  room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text,
  text text, client_id text, at timestamptz, target bigint, change text, former jsonb,
  last bigint, enters int, leaves int
)
language plpgsql stable rows 100
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
as $$
#variable_conflict use_column
declare
  kept bigint;
  oldest bigint;
  above bigint;
  below bigint;
  lowest bigint;
  shown bigint;
  left_over bigint := others;
  to_count bigint := counted;
  positions bigint[];
  -- The stretches of events that are returned whole, and the gaps between them.
  starts bigint[] := '{}';
  stops bigint[] := '{}';
  gap_starts bigint[] := '{}';
  gap_stops bigint[] := '{}';
  stop bigint;
begin
  select pruned_seq into kept from rooms where id = room;
  select e.seq + 1 into above from events e
  where e.room_id = room and e.seq < before and e.seq > kept order by e.seq desc limit 1;
  if above is null then
    return;
  end if;
  positions := array(
    select e.seq from events e
    where e.room_id = room and e.seq < before and e.seq > kept and e.kind in ('message', 'notice')
    order by e.seq desc limit messages
  );
  if cardinality(positions) < messages then
    select e.seq into oldest from events e where e.room_id = room and e.seq > kept order by e.seq limit 1;
    positions := positions || (oldest - 1);
  end if;
  -- From the newest run to the oldest: a run is between the positions `below` and `above`.
  stop := above;
  foreach below in array positions loop
    shown := least(above - below - 1, per_run, left_over);
    left_over := left_over - shown;
    lowest := below + case when below < oldest then 2 else 1 end;
    if lowest < above - shown then
      starts := starts || (above - shown);
      stops := stops || stop;
      gap_starts := gap_starts || lowest;
      gap_stops := gap_stops || (above - shown);
      stop := lowest;
    end if;
    above := below;
  end loop;
  return query
  select e.room_id, r.slug, e.seq, e.kind, e.member_id, e.nickname, e.color, e.trip, e.tag, e.text, e.client_id, e.at,
    e.target, e.change, e.former, null::bigint, null::int, null::int
  from unnest(starts || greatest(above, oldest), stops || stop) as s (start, stop)
  cross join lateral (
    select * from events where events.room_id = room and events.seq >= s.start and events.seq < s.stop offset 0
  ) e
  join rooms r on r.id = e.room_id;
  for n in 1 .. cardinality(gap_starts) loop
    to_count := to_count - (gap_stops[n] - gap_starts[n]);
    room_id := room;
    seq := gap_starts[n];
    kind := 'skipped';
    last := gap_stops[n] - 1;
    if to_count >= 0 then
      select count(*) filter (where e.kind = 'enter'), count(*) filter (where e.kind = 'leave') into enters, leaves
      from events e where e.room_id = room and e.seq >= gap_starts[n] and e.seq < gap_stops[n];
    else
      enters := null;
      leaves := null;
    end if;
    return next;
  end loop;
end
$$;
