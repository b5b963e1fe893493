import type { Knex } from "knex";

/** Names are erased in parts, by a function with other parameters. */
export async function up(db: Knex): Promise<void> {
  await db.raw("drop function if exists erase_names(int, text[], text[], text)");
}

/** The version before makes its own again. */
export async function down(db: Knex): Promise<void> {
  await db.raw("drop function if exists erase_names(int, text[], text[], bigint[], bigint, text)");
}
