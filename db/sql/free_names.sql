-- Records the nicknames that these members give up, which are watched for an hour.
create or replace function free_names(gone members[]) returns void language plpgsql as $$
begin
  insert into freed_names (room_id, look, member_id, color, trip, tag)
  select room_id, look, member_id, color, trip, tag from unnest(gone)
  on conflict (room_id, look, member_id) do update
  set color = excluded.color, trip = excluded.trip, tag = excluded.tag, freed_at = now();
end
$$;
