import type { Knex } from "knex";

/**
 * Finds the messages of a room, however many people came and went between them; see
 * db/sql/talk_before.sql. Building it takes about a second for each million messages, in which nothing
 * is stored.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw("create index events_messages on events (room_id, seq) where kind = 'message'");
}

/** The version before finds them by the primary key. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop function if exists talk_before(int, bigint, int, int, int, int);
    drop index events_messages;
  `);
}
