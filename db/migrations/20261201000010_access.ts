import type { Knex } from "knex";

/** Rooms have settings, owners and moderators, and some have a password. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    alter table rooms
      add column description text not null default '',
      -- the rules that differ from protocol/room-settings.ts
      add column settings jsonb not null default '{}',
      -- scrypt of the password, with its salt
      add column password text,
      -- the hash of the key that makes a session the owner
      add column owner_key text,
      -- when the room, its roles or its password changed
      add column changed_at timestamptz,
      -- people who left after this may come back to a locked room
      add column locked_at timestamptz,
      -- slow mode that began by itself ends then
      add column raid_until timestamptz;
    create index rooms_changed_at on rooms (changed_at) where changed_at is not null;
    create table roles (
      room_id integer not null references rooms (id) on delete cascade,
      -- whom the role is for: a member's id or a trip
      kind text not null check (kind in ('member', 'trip')),
      value text not null,
      role text not null check (role in ('owner', 'moderator', 'approved')),
      by text,
      at timestamptz not null default now(),
      primary key (room_id, kind, value)
    );
    -- who has typed the password of a room
    create table password_grants (
      room_id integer not null references rooms (id) on delete cascade,
      -- a member's id, or the hash of a browser's cookie
      holder text not null,
      at timestamptz not null default now(),
      primary key (room_id, holder)
    );
    create index password_grants_at on password_grants (at);
    -- the first seq that a member may see of a room that shows newcomers little
    create table room_visits (
      room_id integer not null references rooms (id) on delete cascade,
      member_id text not null,
      from_seq bigint not null,
      at timestamptz not null default now(),
      primary key (room_id, member_id)
    );
    create index room_visits_at on room_visits (at);
  `);
}

/** The version before knows no settings: rooms with a password are open to everyone. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop table room_visits;
    drop table password_grants;
    drop table roles;
    alter table rooms
      drop column raid_until, drop column locked_at, drop column changed_at, drop column owner_key,
      drop column password, drop column settings, drop column description;
  `);
}
