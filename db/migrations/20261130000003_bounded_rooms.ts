import type { Knex } from "knex";

/** Rooms know which network made them and when they were last used, and those that nobody used are removed. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    -- creator: a keyed hash of the network's address. used_at: when somebody last read there, to the hour
    alter table rooms add column creator text, add column used_at timestamptz not null default now();
    create index rooms_creator on rooms (creator, created_at) where creator is not null;

    -- Whether a room may be removed: nobody is in it or reads it or has said anything in it, and for a day nothing
    -- happened there. The lobby stays, and so does a room whose messages were pruned
    create function is_unused(r rooms) returns boolean stable language sql as $$
      select r.slug <> 'lobby' and r.pruned_seq = 0
        and greatest(r.created_at, r.last_at, r.used_at) < now() - interval '1 day'
        and not exists (select from members m where m.room_id = r.id)
        and not exists (select from watchers w where w.room_id = r.id and w.seen_at > now() - interval '1 minute')
        and not exists (select from events e where e.room_id = r.id and e.kind = 'message');
    $$;

    -- Removes some rooms that nobody used and returns their numbers. Whoever enters or posts locks the room's row first
    -- and finds it gone, or has it locked already and is seen by the second look, which sees all that was committed
    create function remove_unused_rooms(at_most int) returns table (room_id int) language plpgsql as $$
    declare
      ids int[];
    begin
      ids := array(select r.id from rooms r where is_unused(r) order by r.id limit at_most);
      ids := array(select r.id from rooms r where r.id = any(ids) order by r.id for update skip locked);
      return query delete from rooms r where r.id = any(ids) and is_unused(r) returning r.id;
    end
    $$;
  `);
}

/** Rooms are never removed again. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop function remove_unused_rooms(int);
    drop function is_unused(rooms);
    drop index rooms_creator;
    alter table rooms drop column creator, drop column used_at;
  `);
}
