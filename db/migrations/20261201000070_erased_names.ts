import type { Knex } from "knex";

/** Moderators can erase whispers, and the name of a person. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    alter table events drop constraint events_change_check, drop constraint events_kind_check;
    alter table events
      add constraint events_change_check check (
        change is null or (change = 'edited' and kind = 'message')
        or (change = 'erased' and kind in ('message', 'whisper') and text is null)
      ),
      add constraint events_kind_check check (
        kind in ('message', 'enter', 'leave', 'edit', 'erase', 'rename', 'notice', 'whisper', 'unname')
      );
    drop index events_changed_at;
    create index events_changed_at on events (at) where kind in ('edit', 'erase', 'unname');
    -- The rest of a person's events have a client id.
    create index events_of_members on events (member_id) where client_id is null;
  `);
}

/** The version before knows no event for that. Erased whispers are deleted with their inboxes. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop function if exists erase_names(int, text[], text[], text);
    delete from rooms where id in (select room_id from events where kind = 'whisper' and change = 'erased');
    delete from events where kind = 'whisper' and change = 'erased';
    update events set kind = 'rename', former = jsonb_build_object('id', member_id, 'nickname', nickname, 'color', color)
      where kind = 'unname';
    drop index events_of_members;
    drop index events_changed_at;
    create index events_changed_at on events (at) where kind in ('edit', 'erase');
    alter table events drop constraint events_change_check, drop constraint events_kind_check;
    alter table events
      add constraint events_change_check check (
        change is null or (kind = 'message' and (change = 'edited' or (change = 'erased' and text is null)))
      ),
      add constraint events_kind_check check (
        kind in ('message', 'enter', 'leave', 'edit', 'erase', 'rename', 'notice', 'whisper')
      );
  `);
}
