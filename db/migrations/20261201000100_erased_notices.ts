import type { Knex } from "knex";

/**
 * Moderators can erase notices. The constraint takes about a second for each million events, in
 * which nothing is stored.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    alter table events drop constraint events_change_check;
    alter table events
      add constraint events_change_check check (
        change is null or (change = 'edited' and kind = 'message')
        or (change = 'erased' and kind in ('message', 'notice', 'whisper') and text is null)
      );
  `);
}

/** The version before shows a notice that was erased as an empty one. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    alter table events drop constraint events_change_check;
    update events set text = '', change = null where kind = 'notice' and change = 'erased';
    alter table events
      add constraint events_change_check check (
        change is null or (change = 'edited' and kind = 'message')
        or (change = 'erased' and kind in ('message', 'whisper') and text is null)
      );
  `);
}
