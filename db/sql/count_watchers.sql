-- Returns the number of people who watch rooms, over all nodes, for rooms that have any: these
-- rooms, or all if `room_ids` is null. Called by db/log/presence.ts and db/log/rooms.ts.
--
-- `visitors` of a row is the number at its node. Those with a name are in `pages` too, unless they
-- are very many, and count once, whichever nodes they are connected to. Names of members who are in
-- the room are in `inside` and do not count. Rows older than `fresh_seconds` are those of a node
-- that has died, and rows of the future were written before the database's clock was set back.
create or replace function count_watchers(room_ids int[], fresh_seconds double precision)
returns table (room_id int, visitors bigint)
language sql stable rows 200
as $$
  with fresh as materialized (
    select w.room_id, w.visitors, w.pages, w.inside from watchers w
    where (room_ids is null or w.room_id = any(room_ids)) and w.seen_at > now() - make_interval(secs => fresh_seconds)
      and w.seen_at < now() + interval '1 minute'
  ), named as (
    select f.room_id, page from fresh f, unnest(f.pages) page
    except
    select f.room_id, page from fresh f, unnest(f.inside) page
  )
  select counted.room_id, sum(counted.n)::bigint from (
    select f.room_id, f.visitors - coalesce(cardinality(f.pages), 0) as n from fresh f
    union all
    select n.room_id, 1 from named n
  ) counted group by counted.room_id
$$;
