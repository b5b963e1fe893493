-- Removes unused rooms, at most `at_most`, and their inboxes, and returns the numbers of all.
-- Called by removeUnusedRooms() in db/log/rooms.ts.
--
-- Entering and posting lock the room's row first. So they find the room gone, or they hold the lock
-- already: then the room is skipped, or the second check sees what they committed.
create or replace function remove_unused_rooms(at_most int) returns table (room_id int) language plpgsql as $$
declare
  ids int[];
begin
  ids := array(select r.id from rooms r where is_unused(r) order by r.id limit at_most);
  ids := array(select r.id from rooms r where r.id = any(ids) order by r.id for update skip locked);
  return query
  with removed as (delete from rooms r where r.id = any(ids) and is_unused(r) returning r.id)
  select d.id from removed d union all select i.id from rooms i join removed d on i.parent_id = d.id;
end
$$;
