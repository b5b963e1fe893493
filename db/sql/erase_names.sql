-- Replaces the nicknames of members in the last events of a log and among the people of its room,
-- and appends an `unname` for each of them who had another one. Returns these events. Called by
-- eraseNames() in db/log/erase-names.ts, which has replaced them in earlier events.
--
-- The last events are those after the seq `since`, and those with the seqs `kept`: the newest event
-- of each member before it, so that a member whose name was replaced by half still has one. The
-- rows change in the same transaction, so no reader of the table finds a name once the events are
-- committed. The color stays.
create or replace function erase_names(
  room int, culprits text[], new_names text[], kept bigint[], since bigint, channel text
) returns table (
  room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text,
  tag text, text text, client_id text, at timestamptz, target bigint, change text, former jsonb
)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  ids text[] := '{}';
  names text[] := '{}';
  colors text[] := '{}';
  stored bigint[];
  is_inbox boolean;
begin
  select r.inbox_of is not null into is_inbox from rooms r where r.id = room for no key update;
  perform from members m where m.room_id = room and m.member_id = any(culprits) order by m.member_id for update;
  select coalesce(array_agg(c.id order by c.id), '{}'), coalesce(array_agg(c.name order by c.id), '{}'),
    coalesce(array_agg(said.color order by c.id), '{}')
  into ids, names, colors
  from unnest(culprits, new_names) as c (id, name)
  cross join lateral (
    (select m.color from members m where m.room_id = room and m.member_id = c.id and m.nickname <> c.name)
    union all (
      select e.color from events e
      where e.room_id = room and e.seq = any(kept) and e.member_id = c.id and e.nickname <> c.name limit 1
    ) union all (
      select e.color from events e
      where e.room_id = room and e.seq > since and e.member_id = c.id and e.nickname <> c.name limit 1
    ) union all (
      select e.former->>'color' from events e
      where is_inbox and e.room_id = room and e.kind = 'whisper' and e.former->>'id' = c.id
        and e.former->>'nickname' <> c.name limit 1
    ) limit 1
  ) said;
  if cardinality(ids) = 0 then return; end if;
  update events e set nickname = c.name, trip = null, tag = null,
    former = case when e.kind = 'rename'
      then jsonb_build_object('id', e.member_id, 'nickname', c.name, 'color', e.color) else e.former end
  from unnest(ids, names) as c (id, name)
  where e.room_id = room and e.member_id = c.id and e.seq = any(array(
    select k.seq from unnest(kept) k (seq) union select l.seq from events l where l.room_id = room and l.seq > since
  ));
  if is_inbox then
    update events e set former = jsonb_build_object('id', c.id, 'nickname', c.name, 'color', e.former->>'color')
    from unnest(ids, names) as c (id, name)
    where e.room_id = room and e.kind = 'whisper' and e.former->>'id' = c.id;
  end if;
  -- Names that only look like one another cannot meet here: this is no skeleton.
  update members m set nickname = c.name, trip = null, tag = null, look = 'erased ' || m.member_id
  from unnest(ids, names) as c (id, name)
  where m.room_id = room and m.member_id = c.id;
  delete from freed_names f where f.room_id = room and f.member_id = any(ids);
  stored := array(
    select a.seq from append_drafts(
      array_fill(room, array[cardinality(ids)]),
      array_fill('unname'::text, array[cardinality(ids)]),
      ids, names, colors,
      array_fill(null::text, array[cardinality(ids)]),
      array_fill(null::text, array[cardinality(ids)]),
      array_fill(null::text, array[cardinality(ids)]),
      array_fill(null::text, array[cardinality(ids)]),
      array_fill(null::bigint, array[cardinality(ids)]),
      channel
    ) a
  );
  return query
  select e.room_id, r.slug, e.seq, e.kind, e.member_id, e.nickname, e.color, e.trip, e.tag, e.text, e.client_id,
    e.at, e.target, e.change, e.former
  from events e join rooms r on r.id = e.room_id
  where e.room_id = room and e.seq = any(stored) order by e.seq;
end
$$;
