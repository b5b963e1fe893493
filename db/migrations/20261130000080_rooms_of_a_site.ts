import type { Knex } from "knex";

/** A room may allow silent entry and show its words in the lobby, and a site may keep rooms. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    alter table rooms
      -- members may enter and leave without a line in the log
      add column silent boolean not null default false,
      -- the lobby shows its latest message
      add column shows_words boolean not null default true,
      -- one of CHATTERA_ROOMS, which is never removed
      add column kept boolean not null default false;
    -- entered without a line, and leaves without one
    alter table members add column silent boolean not null default false;
  `);
}

/** Members who entered silently stay, and leave with a line. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    alter table members drop column silent;
    alter table rooms drop column kept, drop column shows_words, drop column silent;
  `);
}
