import type { Knex } from "knex";

/**
 * Messages can be edited, erased and answered, and members renamed. The constraint and the indexes
 * take about two seconds for each million events, in which nothing is stored.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    alter table events
      -- the message that an edit or an erase changes, or that a message replies to
      add column target bigint,
      -- the change that a message's author has made last
      add column change text,
      -- the member before a rename
      add column former jsonb,
      drop constraint events_kind_check;
    alter table events
      add constraint events_kind_check
        check (kind in ('message', 'enter', 'leave', 'edit', 'erase', 'rename', 'notice')),
      add constraint events_change_check
        check (change is null or (kind = 'message' and (change = 'edited' or (change = 'erased' and text is null))));
    -- the changes of a message
    create index events_target on events (room_id, target) where kind in ('edit', 'erase');
    -- the latest changes of all rooms
    create index events_changed_at on events (at) where kind in ('edit', 'erase');
    -- what people said, which a page of history counts
    create index events_talk on events (room_id, seq) where kind in ('message', 'notice');
    drop index events_messages;
  `);
}

/** The version before shows no changes. What was erased stays erased. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop function if exists append_drafts(
      int[], text[], text[], text[], text[], text[], text[], text[], text[], bigint[], text
    );
    drop function if exists enter_and_append_drafts(
      int[], text[], text[], text[], text[], text[], text[], text[], text[], text[], double precision[], text[], int,
      int[], text[], text[], text[], text[], text[], text[], text[], text[], bigint[], text
    );
    drop function if exists events_after(int[], bigint[], int);
    drop function if exists talk_page(int, bigint, int, int, int, int);
    drop function if exists change_message(int, bigint, text, text, text, text, int, text);
    drop function if exists rename_member(int, text, text, text, text, text, text, text[], text);
    drop function if exists freed_name(int, text, text, text);
    drop function if exists distant_color(text, text, text[]);
    create index events_messages on events (room_id, seq) where kind = 'message';
    drop index events_talk, events_changed_at, events_target;
    alter table events drop constraint events_change_check, drop constraint events_kind_check;
    update events set kind = 'notice', text = coalesce(text, '') where kind in ('edit', 'erase', 'rename');
    alter table events
      add constraint events_kind_check check (kind in ('message', 'enter', 'leave', 'notice')),
      drop column former, drop column change, drop column target;
  `);
}
