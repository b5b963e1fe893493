-- Returns whether a room may be removed: nobody is in it or reads it, nobody has said anything in
-- it, and nothing happened in it for a day. The lobby and the rooms of CHATTERA_ROOMS stay, and so
-- does a room whose messages were pruned. An inbox goes with its room.
create or replace function is_unused(r rooms) returns boolean stable language sql as $$
  select r.slug <> 'lobby' and not r.kept and r.pruned_seq = 0 and r.parent_id is null
    and greatest(r.created_at, r.last_at, r.used_at) < now() - interval '1 day'
    and not exists (select from members m where m.room_id = r.id)
    and not exists (select from watchers w where w.room_id = r.id and abs(extract(epoch from now() - w.seen_at)) < 60)
    and not exists (select from events e where e.room_id = r.id and e.kind in ('message', 'notice'))
    and not exists (select from rooms i where i.parent_id = r.id and i.last_seq > i.pruned_seq);
$$;
