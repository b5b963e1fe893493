import type { Knex } from "knex";

/** Bans, reports, the log of moderation, the site's switches, and the sign-in of operators. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    create table bans (
      id int primary key generated always as identity,
      -- null: the whole site
      room_id int references rooms on delete cascade,
      kind text not null check (kind in ('member', 'trip', 'network')),
      value text not null,
      -- 'remove' holds until the member enters again
      act text not null check (act in ('silence', 'shut-out', 'remove')),
      secretly boolean not null default false,
      reason text not null default '',
      until timestamptz,
      by text not null,
      by_name text not null,
      at timestamptz not null default now(),
      lifted_at timestamptz
    );
    create index bans_live on bans (id) where lifted_at is null;
    create index bans_room_id on bans (room_id) where room_id is not null;

    create table reports (
      id int primary key generated always as identity,
      room_id int not null references rooms on delete cascade,
      -- the message; null for a report about a person
      seq bigint,
      member_id text not null,
      nickname text not null,
      reason text not null,
      -- null: a visitor without a session
      by text,
      by_name text,
      at timestamptz not null default now(),
      resolved_at timestamptz,
      resolved_by text
    );
    create index reports_open on reports (room_id, id) where resolved_at is null;
    create index reports_room_id on reports (room_id, id);

    -- Kept for good, so it does not follow its rooms.
    create table moderation (
      id bigint primary key generated always as identity,
      at timestamptz not null default now(),
      room_id int,
      room text,
      by text not null,
      by_name text not null,
      act text not null,
      kind text,
      value text,
      name text,
      reason text,
      until timestamptz,
      count int
    );
    create index moderation_room_id on moderation (room_id, id) where room_id is not null;

    create table switches (
      single boolean primary key default true check (single),
      read_only boolean not null default false,
      no_new_rooms boolean not null default false,
      speak_after_minutes int not null default 0,
      -- grows with each change of the switches or of the bans, so that nodes notice it
      version bigint not null default 1,
      -- earlier sign-ins of operators are not accepted
      operators_since timestamptz not null default now()
    );
    insert into switches default values;

    create table operator_links (
      hash text primary key,
      expires_at timestamptz not null
    );

    -- From which networks people came within the last day: keyed hashes, see server/rooms/network-name.ts.
    create table sightings (
      member_id text not null,
      network text not null,
      wide_network text not null,
      at timestamptz not null default now(),
      primary key (member_id, network)
    );
    create index sightings_network on sightings (network);
    create index sightings_wide_network on sightings (wide_network);

    -- Messages of people who are silenced without being told. Nobody reads them but moderators.
    create table unheard (
      id int primary key generated always as identity,
      room_id int not null references rooms on delete cascade,
      member_id text not null,
      client_id text not null,
      text text not null,
      after_seq bigint not null,
      at timestamptz not null default date_trunc('milliseconds', now()),
      unique (member_id, client_id)
    );
    create index unheard_room_id on unheard (room_id);
    create index unheard_at on unheard (at);

    -- People and messages in ten minutes each, for the plot of the last day.
    create table activity (
      at timestamptz primary key,
      people int not null,
      messages int not null
    );
  `);
}

/** The version before knows no bans. What was erased stays erased. */
export async function down(db: Knex): Promise<void> {
  await db.raw(`
    drop function if exists erase_messages(int, bigint[], text);
    drop table activity, unheard, sightings, operator_links, switches, moderation, reports, bans;
  `);
}
