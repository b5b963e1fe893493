-- Returns the facts about a nickname that was given up in a room within the hour, for a member that
-- takes it: whether it was its own, whether someone else had it with another trip, and the color
-- that someone else had under it, null if nobody had. Called by enter_and_append_drafts() and
-- rename_member().
create or replace function freed_name(
  room int, freed_look text, member text, own_trip text, out is_own boolean, out has_trip boolean, out color text
)
language plpgsql stable
as $$
begin
  select
    coalesce(bool_or(f.tag is null and (f.member_id = member or f.trip = own_trip)), false),
    coalesce(bool_or(f.trip is not null and f.trip is distinct from own_trip and f.member_id <> member), false),
    (array_agg(f.color order by f.tag is null desc, f.freed_at desc) filter (where f.member_id <> member))[1]
  into is_own, has_trip, color
  from freed_names f
  where f.room_id = room and f.look = freed_look and f.freed_at > now() - interval '1 hour';
end
$$;
