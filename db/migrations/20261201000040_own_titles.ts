import type { Knex } from "knex";

/** A title that people gave a room is not replaced by the one in the settings of the site. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`alter table rooms add column has_own_title boolean not null default false`);
}

/** The version before sets the titles of the settings at each start. */
export async function down(db: Knex): Promise<void> {
  await db.raw("alter table rooms drop column has_own_title");
}
