import type { Knex } from "knex";

/**
 * A page with two connections, maybe to two nodes, is one watcher. See db/sql/count_watchers.sql.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    -- hashes of the watchers with a name; null: there are too many
    alter table watchers add column pages int[];
    -- hashes of members who are in the room, and are no watchers
    alter table watchers add column inside int[];
  `);
}

/** The version before counts connections. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop function if exists count_watchers(int[], double precision);
    alter table watchers drop column inside, drop column pages;
  `);
}
