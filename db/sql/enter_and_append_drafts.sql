-- Enters people into rooms, one after the other, and appends drafts, including their first
-- messages. Returns a row with the outcome for each entry, then a row for each event that it
-- stored. `place` is null for an enter or a leave. A refused entry changes nothing for the others.
-- Called by enterAndAppend() in db/log/enter.ts, which describes the outcomes.
--
-- - entry_looks: skeletons of the nicknames, unique in a room
-- - entry_tags: tags for members who take a nickname that someone else gave up within the hour
-- - entry_messages: client ids of the first messages, because a resend must not enter. An empty one
--   marks a silent entry, which brings no message: it stores no event, and neither will the leave
-- - entry_networks, entry_wide_networks: keyed hashes of an IPv4 address (in both), or of a /64 and
--   its /48. A network holds at most a quarter of a room, by weight
-- - entry_weights: the part of one address's share that a member takes, see CHATTERA_SHARES
-- - palette: the colors that a member with a tag can get
-- - room_members: the number of members that a room holds
--
-- All functions that lock follow one order: rooms in ascending order, then members by room and id.
-- So they cannot deadlock, and a nickname can be checked before it is written, because each change
-- of a room's members holds the lock on the room.
create or replace function enter_and_append_drafts(
  entry_rooms int[], entry_members text[], entry_nicknames text[], entry_colors text[], entry_trips text[],
  entry_looks text[], entry_tags text[], entry_messages text[],
  entry_networks text[], entry_wide_networks text[], entry_weights double precision[],
  palette text[], room_members int,
  room_ids int[], kinds text[], member_ids text[], nicknames text[], colors text[], trips text[], tags text[],
  texts text[], client_ids text[], targets bigint[], channel text
) returns table (
  entry bigint, outcome text, place bigint, room_id int, slug text, seq bigint, at timestamptz, color text, tag text
)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  e record;
  at_room int;
  is_there boolean;
  headcount bigint;
  own members;
  holder members;
  freed record;
  held record;
  greediest record;
  is_ranked boolean;
  leaver members;
  moved members[] := '{}';
  moves text[] := '{}';
begin
  perform from rooms where id = any(entry_rooms || room_ids) order by id for no key update;
  perform from (
    select p.room_id, p.member_id from unnest(entry_rooms, entry_members) as p (room_id, member_id)
    union
    select m.room_id, m.member_id from unnest(entry_rooms, entry_looks) as p (room_id, look)
    join members m on m.room_id = p.room_id and m.look = p.look
  ) p join members m on m.room_id = p.room_id and m.member_id = p.member_id
  order by m.room_id, m.member_id for update of m;

  for e in
    select * from unnest(
      entry_rooms, entry_members, entry_nicknames, entry_colors, entry_trips, entry_looks, entry_tags,
      entry_messages, entry_networks, entry_wide_networks, entry_weights
    ) with ordinality as p (
      room_id, member_id, nickname, color, trip, look, tag, client_id, network, wide_network, weight, entry
    )
    order by p.room_id, p.entry
  loop
    if e.room_id is distinct from at_room then
      at_room := e.room_id;
      is_there := exists (select from rooms r where r.id = at_room);
      headcount := (select count(*) from members m where m.room_id = at_room);
      is_ranked := false;
    end if;
    entry := e.entry;
    room_id := e.room_id;
    color := e.color;
    tag := null;
    if not is_there then
      outcome := 'gone';
      return next;
      continue;
    end if;
    if exists (select from events v where v.member_id = e.member_id and v.client_id = e.client_id) then
      outcome := 'sent';
      return next;
      continue;
    end if;

    select m.* into own from members m where m.room_id = e.room_id and m.member_id = e.member_id;
    if own.nickname = e.nickname and own.trip is not distinct from e.trip then
      update members m set seen_at = now(), color = case when m.tag is null then e.color else m.color end,
        network = e.network, wide_network = e.wide_network, weight = e.weight
      where m.room_id = e.room_id and m.member_id = e.member_id returning m.color, m.tag into color, tag;
      outcome := 'present';
      return next;
      continue;
    end if;

    select m.* into holder from members m
    where m.room_id = e.room_id and m.look = e.look and m.member_id <> e.member_id;
    if holder.member_id is not null and (holder.trip = e.trip) is not true then
      outcome := 'taken';
      return next;
      continue;
    end if;

    select * into freed from freed_name(e.room_id, e.look, e.member_id, e.trip);
    if freed.has_trip and not freed.is_own then
      outcome := 'kept';
      return next;
      continue;
    end if;

    leaver := null;
    if own.member_id is null and holder.member_id is null then
      -- While the room is less than a quarter full, no network can hold a quarter of it.
      if e.network is not null and headcount >= room_members / 4.0 then
        select coalesce(sum(m.weight) filter (where m.network = e.network), 0) as narrow,
          coalesce(sum(m.weight), 0) as wide
        into held from members m where m.wide_network = e.wide_network and m.room_id = e.room_id;
        if held.narrow >= room_members / 4.0 then
          outcome := 'crowded';
          return next;
          continue;
        end if;
      end if;
      if headcount >= room_members then
        if e.network is not null then
          if not is_ranked then
            select n.network, greatest(n.narrow, n.wide / 10) as share into greediest
            from (
              select m.network, sum(m.weight) as narrow, sum(sum(m.weight)) over (partition by m.wide_network) as wide
              from members m where m.room_id = e.room_id and m.network is not null
              group by m.wide_network, m.network
            ) n order by share desc, n.narrow desc limit 1;
            is_ranked := true;
          end if;
          -- The newcomer counts too, so that two networks cannot push each other out in turn. A
          -- presence round locks members in an order of its own, so waiting here could deadlock.
          if greediest.share > greatest(held.narrow + e.weight, (held.wide + e.weight) / 10) then
            select m.* into leaver from members m where m.network = greediest.network and m.room_id = e.room_id
            order by m.entered_at, m.member_id limit 1 for update skip locked;
          end if;
        end if;
        if leaver.member_id is null then
          outcome := 'full';
          return next;
          continue;
        end if;
      end if;
    end if;

    if freed.color is not null and not freed.is_own then
      tag := e.tag;
      color := distant_color(e.color, freed.color, palette);
    end if;
    if leaver.member_id is null then leaver := holder; end if;
    if leaver.member_id is not null then
      delete from members m where m.room_id = leaver.room_id and m.member_id = leaver.member_id;
      perform free_names(array[leaver]);
      if not leaver.silent then
        moved := moved || leaver;
        moves := moves || 'leave'::text;
      end if;
      headcount := headcount - 1;
    end if;
    if own.member_id is null then
      insert into members (
        room_id, member_id, nickname, color, trip, look, tag, network, wide_network, weight, silent
      )
      values (
        e.room_id, e.member_id, e.nickname, color, e.trip, e.look, tag, e.network, e.wide_network, e.weight,
        e.client_id is not distinct from ''
      )
      returning * into own;
      headcount := headcount + 1;
    else
      perform free_names(array[own]);
      if not own.silent then
        moved := moved || own;
        moves := moves || 'leave'::text;
      end if;
      update members m set nickname = e.nickname, color = enter_and_append_drafts.color, trip = e.trip, look = e.look,
        tag = enter_and_append_drafts.tag, network = e.network, wide_network = e.wide_network, weight = e.weight,
        seen_at = now()
      where m.room_id = e.room_id and m.member_id = e.member_id returning m.* into own;
    end if;
    if not own.silent then
      moved := moved || own;
      moves := moves || 'enter'::text;
    end if;
    outcome := 'entered';
    is_ranked := false;
    return next;
  end loop;

  if cardinality(moves) + cardinality(room_ids) = 0 then return; end if;
  return query
  select null::bigint, null::text, case when a.place > cardinality(moves) then a.place - cardinality(moves) end,
    a.room_id, a.slug, a.seq, a.at, a.color, a.tag
  from append_drafts(
    array(select room_id from unnest(moved)) || room_ids,
    moves || kinds,
    array(select member_id from unnest(moved)) || member_ids,
    array(select nickname from unnest(moved)) || nicknames,
    array(select color from unnest(moved)) || colors,
    array(select trip from unnest(moved)) || trips,
    array(select tag from unnest(moved)) || tags,
    array_fill(null::text, array[cardinality(moves)]) || texts,
    array_fill(null::text, array[cardinality(moves)]) || client_ids,
    array_fill(null::bigint, array[cardinality(moves)]) || targets,
    channel
  ) a;
end
$$;
