import type { Knex } from "knex";

/** A member can report a whisper that is in its inbox. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    -- the inbox of the person who reports, in which seq is that of a whisper
    alter table reports add column inbox_id int references rooms on delete cascade;
    create index reports_inbox_id on reports (inbox_id) where inbox_id is not null;
  `);
}

/** The version before would take the seqs of whispers for those of messages. */
export async function down(db: Knex): Promise<void> {
  await db.raw("delete from reports where inbox_id is not null; alter table reports drop column inbox_id");
}
