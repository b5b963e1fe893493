import type { Knex } from "knex";

/** The search and the jump to a moment are functions only, see db/sql. */
export async function up(): Promise<void> {}

/** The version before finds older messages page by page. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop function if exists search_messages(int, text[], bigint, int, int);
    drop function if exists seq_at(int, timestamptz);
  `);
}
