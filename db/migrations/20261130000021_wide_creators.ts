import type { Knex } from "knex";

/** Rooms are counted by the /48 of their maker as well, because a /48 has 65,536 /64s and each had a share of its own. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    -- a keyed hash of the /48, or of the IPv4 address as in creator; null: not counted
    alter table rooms add column wide_creator text;
    create index rooms_wide_creator on rooms (wide_creator, created_at) where wide_creator is not null;
  `);
}

/** The version before counts by creator alone. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop index rooms_wide_creator;
    alter table rooms drop column wide_creator;
  `);
}
