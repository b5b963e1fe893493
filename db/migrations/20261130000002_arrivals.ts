import type { Knex } from "knex";

/**
 * People enter rooms many at a time, in the transaction that stores their first messages, and a name that somebody gave
 * up is watched for an hour. See append() in db/log/events.ts, enterAndAppend() and leaveRooms() in db/log/members.ts.
 *
 * One lock order serves all three functions: rooms in ascending order, then members by room and id. So none of them can
 * wait for another in a circle, and a nickname can be checked before it is written, because everybody who changes a
 * room's members holds the room.
 *
 * The old append_events() stays for nodes of the version before, which run until they are replaced.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    alter table events add column tag text;
    alter table members add column tag text;

    -- Whoever ends a session leaves all rooms; a page of people is read in the order of entering. room_id comes last,
    -- because without statistics the planner takes any index that begins with it for as good as the key
    create index members_member_id on members (member_id);
    create index members_entered_at on members (entered_at, member_id, room_id);

    -- nicknames that were given up within the last hour, and by whom
    create table freed_names (
      room_id integer not null references rooms (id) on delete cascade,
      look text not null,
      member_id text not null,
      color text not null,
      trip text,
      tag text,
      freed_at timestamptz not null default now(),
      primary key (room_id, look, member_id)
    );
    create index freed_names_freed_at on freed_names (freed_at);

    -- Each statement in it sees what was committed before that statement began, so what is looked up is looked up when
    -- the rooms are locked. The members' rows decide the color and the tag of messages. channel null: no NOTIFY
    create function append_events(
      room_ids int[], kinds text[], member_ids text[], nicknames text[], colors text[], trips text[], tags text[],
      texts text[], client_ids text[], channel text
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
      with draft as materialized (
        select * from unnest(
          room_ids, kinds, member_ids, nicknames, colors, trips, tags, texts, client_ids
        ) with ordinality as d (room_id, kind, member_id, nickname, color, trip, tag, text, client_id, place)
      ), fresh as materialized (
        select distinct on (d.member_id, coalesce(d.client_id, d.place::text))
          d.room_id, d.kind, d.member_id, d.nickname, coalesce(m.color, d.color) as color, d.trip,
          coalesce(m.tag, d.tag) as tag, d.text, d.client_id, d.place
        from draft d
        left join members m on d.kind = 'message' and m.room_id = d.room_id and m.member_id = d.member_id
          and m.nickname = d.nickname and m.trip is not distinct from d.trip
        where not exists (
            select from events e where e.member_id = d.member_id and e.client_id = d.client_id
          )
          and (d.kind <> 'message' or m.member_id is not null)
        order by d.member_id, coalesce(d.client_id, d.place::text), d.place
      ), numbered as materialized (
        select fresh.*, r.slug, r.last_seq + row_number() over (partition by fresh.room_id order by place) as seq,
          date_trunc('milliseconds', clock_timestamp()) as at
        from fresh join rooms r on r.id = fresh.room_id
      ), inserted as (
        insert into events (room_id, seq, kind, member_id, nickname, color, trip, tag, text, client_id, at)
        select room_id, seq, kind, member_id, nickname, color, trip, tag, text, client_id, at from numbered
        returning room_id, seq, at
      ), moved as (
        update rooms set last_seq = n.seq, last_at = n.at
        from (select room_id, max(seq) as seq, max(at) as at from inserted group by room_id) n
        where rooms.id = n.room_id returning rooms.id, rooms.last_seq
      ), told as materialized (
        select pg_notify(channel, string_agg(id || ':' || last_seq, ' ' order by id)) from moved
        where channel is not null having count(*) > 0
      )
      select n.place, n.room_id, n.slug, n.seq, n.at, n.color, n.tag
      from numbered n cross join (select count(*) from told) as once_told;
    end
    $$;

    -- remembers under which names these members were seen last
    create function free_names(gone members[]) returns void language plpgsql as $$
    begin
      insert into freed_names (room_id, look, member_id, color, trip, tag)
      select room_id, look, member_id, color, trip, tag from unnest(gone)
      on conflict (room_id, look, member_id) do update
      set color = excluded.color, trip = excluded.trip, tag = excluded.tag, freed_at = now();
    end
    $$;

    -- how far two colors #rrggbb are apart
    create function color_distance(one text, other text) returns bigint immutable language sql as $$
      select sum(abs(get_byte(decode(substr(one, 2), 'hex'), n) - get_byte(decode(substr(other, 2), 'hex'), n)))
      from generate_series(0, 2) n;
    $$;

    -- Has people enter, one after the other, and appends these drafts, their first messages among them, in the same
    -- transaction. Returns a row for each entry, with its outcome, then a row for each event that was stored; place is
    -- null for an enter or a leave. A refused entry changes nothing for the others.
    -- entry_messages: client ids of their first messages, because a resend must not enter. entry_tags: the tags of those
    -- who take a name that somebody else has just given up; palette: the colors that they may have
    create function enter_and_append(
      entry_rooms int[], entry_members text[], entry_nicknames text[], entry_colors text[], entry_trips text[],
      entry_looks text[], entry_tags text[], entry_messages text[], palette text[], room_members int,
      room_ids int[], kinds text[], member_ids text[], nicknames text[], colors text[], trips text[], tags text[],
      texts text[], client_ids text[], channel text
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
          entry_messages
        ) with ordinality as p (room_id, member_id, nickname, color, trip, look, tag, client_id, entry)
        order by p.room_id, p.entry
      loop
        if e.room_id is distinct from at_room then
          at_room := e.room_id;
          is_there := exists (select from rooms r where r.id = at_room);
          headcount := (select count(*) from members m where m.room_id = at_room);
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
          update members m set seen_at = now(), color = case when m.tag is null then e.color else m.color end
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

        select
          coalesce(bool_or(f.tag is null and (f.member_id = e.member_id or f.trip = e.trip)), false) as is_own,
          coalesce(bool_or(f.trip is not null and f.trip is distinct from e.trip and f.member_id <> e.member_id), false)
            as has_trip,
          (array_agg(f.color order by f.tag is null desc, f.freed_at desc)
            filter (where f.member_id <> e.member_id))[1] as color
        into freed
        from freed_names f
        where f.room_id = e.room_id and f.look = e.look and f.freed_at > now() - interval '1 hour';
        if freed.has_trip and not freed.is_own then
          outcome := 'kept';
          return next;
          continue;
        end if;
        if own.member_id is null and holder.member_id is null and headcount >= room_members then
          outcome := 'full';
          return next;
          continue;
        end if;

        if freed.color is not null and not freed.is_own then
          tag := e.tag;
          if not e.color = any(palette) or color_distance(e.color, freed.color) < 96 then
            color := (select p.color from unnest(palette) as p (color)
              order by color_distance(p.color, freed.color) desc limit 1);
          end if;
        end if;
        if holder.member_id is not null then
          delete from members m where m.room_id = holder.room_id and m.member_id = holder.member_id;
          perform free_names(array[holder]);
          moved := moved || holder;
          moves := moves || 'leave'::text;
          headcount := headcount - 1;
        end if;
        if own.member_id is null then
          insert into members (room_id, member_id, nickname, color, trip, look, tag)
          values (e.room_id, e.member_id, e.nickname, color, e.trip, e.look, tag) returning * into own;
          headcount := headcount + 1;
        else
          perform free_names(array[own]);
          moved := moved || own;
          moves := moves || 'leave'::text;
          update members m set nickname = e.nickname, color = enter_and_append.color, trip = e.trip, look = e.look,
            tag = enter_and_append.tag, seen_at = now()
          where m.room_id = e.room_id and m.member_id = e.member_id returning m.* into own;
        end if;
        moved := moved || own;
        moves := moves || 'enter'::text;
        outcome := 'entered';
        return next;
      end loop;

      if cardinality(moves) + cardinality(room_ids) = 0 then return; end if;
      return query
      select null::bigint, null::text, case when a.place > cardinality(moves) then a.place - cardinality(moves) end,
        a.room_id, a.slug, a.seq, a.at, a.color, a.tag
      from append_events(
        array(select room_id from unnest(moved)) || room_ids,
        moves || kinds,
        array(select member_id from unnest(moved)) || member_ids,
        array(select nickname from unnest(moved)) || nicknames,
        array(select color from unnest(moved)) || colors,
        array(select trip from unnest(moved)) || trips,
        array(select tag from unnest(moved)) || tags,
        array_fill(null::text, array[cardinality(moves)]) || texts,
        array_fill(null::text, array[cardinality(moves)]) || client_ids,
        channel
      ) a;
    end
    $$;

    -- Has these members leave, or those of them whom nobody has seen for so long, with the lines that say so.
    -- unseen_seconds null: all of them. Returns a row for each leave
    create function leave_rooms(room_ids int[], member_ids text[], unseen_seconds double precision, channel text)
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
      return query
      select a.room_id, a.seq
      from append_events(
        array(select room_id from unnest(gone)),
        array_fill('leave'::text, array[cardinality(gone)]),
        array(select member_id from unnest(gone)),
        array(select nickname from unnest(gone)),
        array(select color from unnest(gone)),
        array(select trip from unnest(gone)),
        array(select tag from unnest(gone)),
        array_fill(null::text, array[cardinality(gone)]),
        array_fill(null::text, array[cardinality(gone)]),
        channel
      ) a;
    end
    $$;

    ${eventsSince("tag text, ", "e.tag, ")}
    ${eventsBefore("tag text, ", "e.tag, ")}
  `);
}

/** The functions and columns of the version before; colors and tags given meanwhile stay in the events' colors. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop function leave_rooms(int[], text[], double precision, text);
    drop function enter_and_append(
      int[], text[], text[], text[], text[], text[], text[], text[], text[], int,
      int[], text[], text[], text[], text[], text[], text[], text[], text[], text
    );
    drop function color_distance(text, text);
    drop function free_names(members[]);
    drop function append_events(
      int[], text[], text[], text[], text[], text[], text[], text[], text[], text
    );
    ${eventsSince("", "")}
    ${eventsBefore("", "")}
    drop table freed_names;
    drop index members_entered_at, members_member_id;
    alter table members drop column tag;
    alter table events drop column tag;
  `);
}

/** The events after each room's position, in order, at most so many a room. */
function eventsSince(column: string, value: string): string {
  return `
    drop function events_since(int[], bigint[], int);
    create function events_since(room_ids int[], positions bigint[], per_room int)
    returns table (
      room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, ${column}text text,
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
      select r.id, r.slug, e.seq, e.kind, e.member_id, e.nickname, e.color, e.trip, ${value}e.text, e.client_id, e.at
      from unnest(room_ids, positions) as p (room_id, after)
      join rooms r on r.id = p.room_id
      cross join lateral (
        select * from events where events.room_id = p.room_id and events.seq > p.after order by events.seq limit per_room
      ) e
      order by p.room_id, e.seq;
    end
    $$;`;
}

/** The last events before a seq, the last first; planned by the key, which is in order. */
function eventsBefore(column: string, value: string): string {
  return `
    drop function events_before(int, bigint, int);
    create function events_before(room int, before bigint, at_most int)
    returns table (
      room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, ${column}text text,
      client_id text, at timestamptz
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
      select e.room_id, r.slug, e.seq, e.kind, e.member_id, e.nickname, e.color, e.trip, ${value}e.text, e.client_id, e.at
      from events e join rooms r on r.id = e.room_id
      where e.room_id = room and e.seq < before and e.seq > (select pruned_seq from rooms where id = room)
      order by e.seq desc limit at_most;
    end
    $$;`;
}
