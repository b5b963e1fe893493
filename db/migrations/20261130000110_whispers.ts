import type { Knex } from "knex";

/**
 * Members of a room can whisper. The whispers of a member are a log of their own, its inbox. The
 * constraint takes about a second for each million events, in which nothing is stored.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    alter table rooms
      -- the room to which an inbox belongs, and the member that reads it
      add column parent_id integer references rooms (id) on delete cascade,
      add column inbox_of text;
    alter table rooms add constraint rooms_inbox_check check ((parent_id is null) = (inbox_of is null));
    create unique index rooms_inbox on rooms (parent_id, inbox_of);
    -- the inboxes that nodes may not know yet
    create index rooms_inboxes_made on rooms (created_at) where inbox_of is not null;
    alter table events drop constraint events_kind_check;
    alter table events
      add constraint events_kind_check
        check (kind in ('message', 'enter', 'leave', 'edit', 'erase', 'rename', 'notice', 'whisper'));
  `);
}

/** The version before has no whispers, so they are deleted. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop function if exists append_whisper(int, text, text, text, text, text, text, boolean, text);
    delete from events where room_id in (select id from rooms where inbox_of is not null);
    delete from rooms where inbox_of is not null;
    alter table rooms drop column parent_id, drop column inbox_of;
    alter table events drop constraint events_kind_check;
    alter table events
      add constraint events_kind_check
        check (kind in ('message', 'enter', 'leave', 'edit', 'erase', 'rename', 'notice'));
  `);
}
