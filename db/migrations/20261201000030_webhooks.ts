import type { Knex } from "knex";

/** Webhooks: which node sends, how far it has come in each room, and what was given up. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    create table webhooks (
      -- letters of the hash of the URL
      id text primary key,
      -- the node that sends, and until when, unless it says more
      sender text,
      until timestamptz
    );

    create table webhook_positions (
      webhook text not null references webhooks on delete cascade,
      room_id int not null references rooms on delete cascade,
      seq bigint not null,
      primary key (webhook, room_id)
    );
    create index webhook_positions_room_id on webhook_positions (room_id);

    -- events that no receiver has taken
    create table webhook_failures (
      id bigint primary key generated always as identity,
      webhook text not null references webhooks on delete cascade,
      room text not null,
      seq bigint not null,
      error text not null,
      at timestamptz not null default now()
    );
  `);
}

/** The version before sends no webhooks. */
export async function down(db: Knex): Promise<void> {
  await db.raw("drop table webhook_failures, webhook_positions, webhooks");
}
