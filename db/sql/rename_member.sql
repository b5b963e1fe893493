-- Renames a member within a room, or changes its color, and appends the `rename` to the log. Called
-- by renameMember() in db/log/rename.ts, which describes the outcomes. Names are checked as in
-- enter_and_append_drafts(), which also says what the parameters are and in which order rows are
-- locked. `seq` is that of the last event, null if there is none.
create or replace function rename_member(
  room int, member text, new_nickname text, new_color text, new_trip text, new_look text, new_tag text,
  palette text[], channel text
) returns table (outcome text, color text, tag text, seq bigint)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  own members;
  holder members;
  freed record;
  renamed members;
  moved members[] := '{}';
  moves text[] := '{}';
begin
  perform from rooms r where r.id = room for no key update;
  perform from members m where m.room_id = room and (m.member_id = member or m.look = new_look)
  order by m.member_id for update;
  select m.* into own from members m where m.room_id = room and m.member_id = member;
  if own.member_id is null then
    outcome := 'absent';
    return next;
    return;
  end if;
  color := new_color;
  if own.nickname = new_nickname and own.trip is not distinct from new_trip then
    -- A member with a tag keeps the color, which is unlike that of the former owner of its name.
    if own.tag is not null then color := own.color; end if;
    tag := own.tag;
    if color = own.color then
      outcome := 'same';
      return next;
      return;
    end if;
  else
    select m.* into holder from members m
    where m.room_id = room and m.look = new_look and m.member_id <> member;
    if holder.member_id is not null and (holder.trip = new_trip) is not true then
      outcome := 'taken';
      return next;
      return;
    end if;
    select * into freed from freed_name(room, new_look, member, new_trip);
    if freed.has_trip and not freed.is_own then
      outcome := 'kept';
      return next;
      return;
    end if;
    if freed.color is not null and not freed.is_own then
      tag := new_tag;
      color := distant_color(new_color, freed.color, palette);
    end if;
    if holder.member_id is not null then
      delete from members m where m.room_id = room and m.member_id = holder.member_id;
      if not holder.silent then
        moved := array[holder];
        moves := array['leave'];
      end if;
      perform free_names(array[holder]);
    end if;
    perform free_names(array[own]);
  end if;
  update members m set nickname = new_nickname, color = rename_member.color, trip = new_trip, look = new_look,
    tag = rename_member.tag, seen_at = now()
  where m.room_id = room and m.member_id = member returning m.* into renamed;
  outcome := 'renamed';
  -- The log does not show a member that has entered silently.
  if not own.silent then
    moved := moved || renamed;
    moves := moves || 'rename'::text;
  end if;
  if cardinality(moved) = 0 then
    return next;
    return;
  end if;
  select max(a.seq) into seq from append_drafts(
    array(select room_id from unnest(moved)),
    moves,
    array(select member_id from unnest(moved)),
    array(select nickname from unnest(moved)),
    array(select color from unnest(moved)),
    array(select trip from unnest(moved)),
    array(select tag from unnest(moved)),
    array_fill(null::text, array[cardinality(moved)]),
    array_fill(null::text, array[cardinality(moved)]),
    array_fill(null::bigint, array[cardinality(moved)]),
    channel
  ) a;
  update events e set former = jsonb_strip_nulls(jsonb_build_object(
    'id', own.member_id, 'nickname', own.nickname, 'color', own.color, 'trip', own.trip, 'tag', own.tag
  ))
  where e.room_id = room and e.seq = rename_member.seq and e.kind = 'rename';
  return next;
end
$$;
