-- Returns the seqs of the newest messages of a room before a seq whose text matches all patterns of
-- LIKE, the newest first, at most `at_most`. If the search ends before the oldest message, one more
-- row follows, in which `is_match` is false: the seq before which another search goes on, and when
-- its message was sent. It ends when it has found enough, or when it has taken `budget_ms`.
--
-- Texts are compared in NFKC and lower case. That takes 5 to 10 ms for 1,000 messages. An index of
-- pairs of letters finds a word in 4 ms among a million messages, but makes storing a message eight
-- times as slow, and takes minutes to build. pg_trgm, which some servers lack, has three letters,
-- which is longer than most Japanese words.
create or replace function search_messages(room int, patterns text[], before bigint, at_most int, budget_ms int)
returns table (seq bigint, at timestamptz, is_match boolean)
language plpgsql stable rows 20
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
#variable_conflict use_column
declare
  started timestamptz := clock_timestamp();
  kept bigint;
  chunk constant int := 500;
  matches bigint[];
  lowest bigint;
  seen int;
  found bigint[] := '{}';
  position bigint := before;
  is_over boolean := false;
begin
  select pruned_seq into kept from rooms where id = room;
  loop
    select array_agg(c.seq order by c.seq desc) filter (where c.is_match), min(c.seq), count(*)
    into matches, lowest, seen
    from (
      select e.seq, lower(normalize(e.text, nfkc)) like all (patterns) as is_match
      from events e
      where e.room_id = room and e.kind = 'message' and e.seq < position and e.seq > kept
      order by e.seq desc limit chunk
    ) c;
    found := found || coalesce(matches, '{}');
    is_over := seen < chunk;
    position := coalesce(lowest, position);
    if cardinality(found) > at_most then
      found := found[:at_most];
      position := found[at_most];
      is_over := false;
    end if;
    exit when is_over or cardinality(found) = at_most;
    exit when extract(epoch from clock_timestamp() - started) * 1000 >= budget_ms;
  end loop;
  return query select f.seq, null::timestamptz, true from unnest(found) as f (seq);
  if not is_over then
    return query select position, (select e.at from events e where e.room_id = room and e.seq = position), false;
  end if;
end
$$;
