import type { Knex } from "knex";

/** Incoming webhooks: addresses at which programs post notices into a room. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    create table incoming_webhooks (
      -- letters for lists, which reveal nothing of the key
      id text primary key,
      room_id integer not null references rooms (id) on delete cascade,
      -- the name above its notices
      name text not null,
      -- the hash of the key in its address
      key_hash text not null unique,
      by text,
      made_at timestamptz not null default now(),
      -- within a minute
      used_at timestamptz
    );
    create index incoming_webhooks_room_id on incoming_webhooks (room_id);
  `);
}

/** The version before takes no webhooks. */
export async function down(db: Knex): Promise<void> {
  await db.raw("drop table incoming_webhooks");
}
