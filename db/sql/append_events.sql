-- Appends drafts without targets. Only nodes of the version before call it. append_drafts.sql
-- replaces it.
create or replace function append_events(
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
  return query
  select * from append_drafts(
    room_ids, kinds, member_ids, nicknames, colors, trips, tags, texts, client_ids,
    array_fill(null::bigint, array[cardinality(room_ids)]), channel
  );
end
$$;
