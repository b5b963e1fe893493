import type { Knex } from "knex";

/** Sessions that were ended: a member's tokens issued until `before` are no longer accepted. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    create table revocations (
      member_id text primary key,
      before timestamptz not null
    );

    -- tokens in the form of before this migration say no time; they are taken until a session's life after it
    alter table log add column upgraded_at timestamptz not null default now();
  `);
}

/** The previous version accepts every token. */
export async function down(db: Knex): Promise<void> {
  await db.raw("drop table revocations; alter table log drop column upgraded_at;");
}
