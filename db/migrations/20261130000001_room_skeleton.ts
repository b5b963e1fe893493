import type { Knex } from "knex";

/**
 * What a room's slug and title look like, so that no new room imitates an existing one. Code fills in the rows that
 * exist already, see fillSkeletons() in db/log/rooms.ts.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    alter table rooms add column skeleton text, add column title_skeleton text;
    create index rooms_skeleton on rooms (skeleton);
    create index rooms_title_skeleton on rooms (title_skeleton);
  `);
}

/** Drops what can be computed again. */
export async function down(db: Knex): Promise<void> {
  await db.raw("alter table rooms drop column skeleton, drop column title_skeleton");
}
