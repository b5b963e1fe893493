-- Enters people and appends drafts without targets. Only nodes of the version before call it.
-- enter_and_append_drafts.sql replaces it.
create or replace function enter_and_append(
  entry_rooms int[], entry_members text[], entry_nicknames text[], entry_colors text[], entry_trips text[],
  entry_looks text[], entry_tags text[], entry_messages text[],
  entry_networks text[], entry_wide_networks text[], entry_weights double precision[],
  palette text[], room_members int,
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
begin
  return query
  select * from enter_and_append_drafts(
    entry_rooms, entry_members, entry_nicknames, entry_colors, entry_trips, entry_looks, entry_tags, entry_messages,
    entry_networks, entry_wide_networks, entry_weights, palette, room_members,
    room_ids, kinds, member_ids, nicknames, colors, trips, tags, texts, client_ids,
    array_fill(null::bigint, array[cardinality(room_ids)]), channel
  );
end
$$;
