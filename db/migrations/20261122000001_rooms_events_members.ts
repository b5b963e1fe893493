import type { Knex } from "knex";

/** The log, its rooms and events, and who is present. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    -- one row: which log this is. fingerprint says where it was last opened; see db/log/log.ts
    create table log (
      single boolean primary key default true check (single),
      epoch text not null,
      fingerprint text not null,
      secret text not null
    );

    -- last_seq is the counter every append locks and moves; room to update it in place (HOT)
    create table rooms (
      id integer generated always as identity primary key,
      slug text not null unique,
      title text not null,
      public boolean not null default true,
      last_seq bigint not null default 0,
      last_at timestamptz,
      created_at timestamptz not null default now()
    ) with (fillfactor = 50);

    -- no foreign key to rooms: rows come only through append(), which holds the room's row while it inserts
    create table events (
      room_id integer not null,
      seq bigint not null,
      kind text not null check (kind in ('message', 'enter', 'leave', 'notice')),
      member_id text not null,
      nickname text not null,
      color text not null,
      trip text,
      text text,
      client_id text,
      at timestamptz not null,
      primary key (room_id, seq)
    );
    create unique index events_client_id on events (member_id, client_id) where client_id is not null;

    -- who is present. seen_at moves every few seconds and is in no index, so that it too is updated in place
    create table members (
      room_id integer not null references rooms (id) on delete cascade,
      member_id text not null,
      nickname text not null,
      color text not null,
      trip text,
      look text not null,
      entered_at timestamptz not null default now(),
      seen_at timestamptz not null default now(),
      typing_at timestamptz,
      primary key (room_id, member_id),
      constraint members_look unique (room_id, look)
    ) with (fillfactor = 50);

    -- how many connections without a member each node has in each room; a dead node's rows grow old
    create unlogged table watchers (
      node text not null,
      room_id integer not null,
      visitors integer not null,
      seen_at timestamptz not null default now(),
      primary key (node, room_id)
    ) with (fillfactor = 50);

    insert into rooms (slug, title) values ('lobby', 'Lobby');
  `);
}

/** Drops everything, messages included. */
export async function down(db: Knex): Promise<void> {
  await db.raw("drop table watchers, members, events, rooms, log");
}
