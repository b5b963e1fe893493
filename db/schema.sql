-- The schema of a new database. `npm run schema` writes this file, and a test compares it.
-- The text of the functions is in sql/. The tables of knex are left out.

create table activity (
  at timestamp with time zone not null,
  people integer not null,
  messages integer not null,
  constraint activity_pkey PRIMARY KEY (at)
);

create table bans (
  id integer not null generated always as identity,
  room_id integer,
  kind text not null,
  value text not null,
  act text not null,
  secretly boolean not null default false,
  reason text not null default ''::text,
  until timestamp with time zone,
  by text not null,
  by_name text not null,
  at timestamp with time zone not null default now(),
  lifted_at timestamp with time zone,
  constraint bans_pkey PRIMARY KEY (id),
  constraint bans_act_check CHECK ((act = ANY (ARRAY['silence'::text, 'shut-out'::text, 'remove'::text]))),
  constraint bans_kind_check CHECK ((kind = ANY (ARRAY['member'::text, 'trip'::text, 'network'::text]))),
  constraint bans_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms(id) ON DELETE CASCADE
);
CREATE INDEX bans_live ON bans USING btree (id) WHERE (lifted_at IS NULL);
CREATE INDEX bans_room_id ON bans USING btree (room_id) WHERE (room_id IS NOT NULL);

create table events (
  room_id integer not null,
  seq bigint not null,
  kind text not null,
  member_id text not null,
  nickname text not null,
  color text not null,
  trip text,
  text text,
  client_id text,
  at timestamp with time zone not null,
  tag text,
  target bigint,
  change text,
  former jsonb,
  constraint events_pkey PRIMARY KEY (room_id, seq),
  constraint events_change_check CHECK (((change IS NULL) OR ((change = 'edited'::text) AND (kind = 'message'::text)) OR ((change = 'erased'::text) AND (kind = ANY (ARRAY['message'::text, 'notice'::text, 'whisper'::text])) AND (text IS NULL)))),
  constraint events_kind_check CHECK ((kind = ANY (ARRAY['message'::text, 'enter'::text, 'leave'::text, 'edit'::text, 'erase'::text, 'rename'::text, 'notice'::text, 'whisper'::text, 'unname'::text])))
);
CREATE INDEX events_changed_at ON events USING btree (at) WHERE (kind = ANY (ARRAY['edit'::text, 'erase'::text, 'unname'::text]));
CREATE UNIQUE INDEX events_client_id ON events USING btree (member_id, client_id) WHERE (client_id IS NOT NULL);
CREATE INDEX events_of_members ON events USING btree (member_id) WHERE (client_id IS NULL);
CREATE INDEX events_talk ON events USING btree (room_id, seq) WHERE (kind = ANY (ARRAY['message'::text, 'notice'::text]));
CREATE INDEX events_target ON events USING btree (room_id, target) WHERE (kind = ANY (ARRAY['edit'::text, 'erase'::text]));

create table freed_names (
  room_id integer not null,
  look text not null,
  member_id text not null,
  color text not null,
  trip text,
  tag text,
  freed_at timestamp with time zone not null default now(),
  constraint freed_names_pkey PRIMARY KEY (room_id, look, member_id),
  constraint freed_names_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms(id) ON DELETE CASCADE
);
CREATE INDEX freed_names_freed_at ON freed_names USING btree (freed_at);

create table functions (
  single boolean not null default true,
  revision integer not null,
  sha256 text not null,
  applied_at timestamp with time zone not null default now(),
  constraint functions_pkey PRIMARY KEY (single),
  constraint functions_single_check CHECK (single)
);

create table incoming_webhooks (
  id text not null,
  room_id integer not null,
  name text not null,
  key_hash text not null,
  by text,
  made_at timestamp with time zone not null default now(),
  used_at timestamp with time zone,
  constraint incoming_webhooks_pkey PRIMARY KEY (id),
  constraint incoming_webhooks_key_hash_key UNIQUE (key_hash),
  constraint incoming_webhooks_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms(id) ON DELETE CASCADE
);
CREATE INDEX incoming_webhooks_room_id ON incoming_webhooks USING btree (room_id);

create table log (
  single boolean not null default true,
  epoch text not null,
  fingerprint text not null,
  secret text not null,
  upgraded_at timestamp with time zone not null default now(),
  constraint log_pkey PRIMARY KEY (single),
  constraint log_single_check CHECK (single)
);

create table members (
  room_id integer not null,
  member_id text not null,
  nickname text not null,
  color text not null,
  trip text,
  look text not null,
  entered_at timestamp with time zone not null default now(),
  seen_at timestamp with time zone not null default now(),
  typing_at timestamp with time zone,
  tag text,
  network text,
  wide_network text,
  weight double precision not null default 1,
  silent boolean not null default false,
  constraint members_pkey PRIMARY KEY (room_id, member_id),
  constraint members_look UNIQUE (room_id, look),
  constraint members_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms(id) ON DELETE CASCADE
) with (fillfactor=50);
CREATE INDEX members_entered_at ON members USING btree (entered_at, member_id, room_id);
CREATE INDEX members_member_id ON members USING btree (member_id);
CREATE INDEX members_wide_network ON members USING btree (wide_network, room_id) WHERE (wide_network IS NOT NULL);

create table moderation (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default now(),
  room_id integer,
  room text,
  by text not null,
  by_name text not null,
  act text not null,
  kind text,
  value text,
  name text,
  reason text,
  until timestamp with time zone,
  count integer,
  constraint moderation_pkey PRIMARY KEY (id)
);
CREATE INDEX moderation_room_id ON moderation USING btree (room_id, id) WHERE (room_id IS NOT NULL);

create table operator_links (
  hash text not null,
  expires_at timestamp with time zone not null,
  constraint operator_links_pkey PRIMARY KEY (hash)
);

create table password_grants (
  room_id integer not null,
  holder text not null,
  at timestamp with time zone not null default now(),
  constraint password_grants_pkey PRIMARY KEY (room_id, holder),
  constraint password_grants_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms(id) ON DELETE CASCADE
);
CREATE INDEX password_grants_at ON password_grants USING btree (at);

create table reports (
  id integer not null generated always as identity,
  room_id integer not null,
  seq bigint,
  member_id text not null,
  nickname text not null,
  reason text not null,
  by text,
  by_name text,
  at timestamp with time zone not null default now(),
  resolved_at timestamp with time zone,
  resolved_by text,
  inbox_id integer,
  constraint reports_pkey PRIMARY KEY (id),
  constraint reports_inbox_id_fkey FOREIGN KEY (inbox_id) REFERENCES rooms(id) ON DELETE CASCADE,
  constraint reports_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms(id) ON DELETE CASCADE
);
CREATE INDEX reports_inbox_id ON reports USING btree (inbox_id) WHERE (inbox_id IS NOT NULL);
CREATE INDEX reports_open ON reports USING btree (room_id, id) WHERE (resolved_at IS NULL);
CREATE INDEX reports_room_id ON reports USING btree (room_id, id);

create table revocations (
  member_id text not null,
  before timestamp with time zone not null,
  constraint revocations_pkey PRIMARY KEY (member_id)
);

create table roles (
  room_id integer not null,
  kind text not null,
  value text not null,
  role text not null,
  by text,
  at timestamp with time zone not null default now(),
  constraint roles_pkey PRIMARY KEY (room_id, kind, value),
  constraint roles_kind_check CHECK ((kind = ANY (ARRAY['member'::text, 'trip'::text]))),
  constraint roles_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'moderator'::text, 'approved'::text]))),
  constraint roles_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms(id) ON DELETE CASCADE
);

create table room_visits (
  room_id integer not null,
  member_id text not null,
  from_seq bigint not null,
  at timestamp with time zone not null default now(),
  constraint room_visits_pkey PRIMARY KEY (room_id, member_id),
  constraint room_visits_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms(id) ON DELETE CASCADE
);
CREATE INDEX room_visits_at ON room_visits USING btree (at);

create table rooms (
  id integer not null generated always as identity,
  slug text not null,
  title text not null,
  public boolean not null default true,
  last_seq bigint not null default 0,
  last_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  pruned_seq bigint not null default 0,
  skeleton text,
  title_skeleton text,
  creator text,
  used_at timestamp with time zone not null default now(),
  wide_creator text,
  silent boolean not null default false,
  shows_words boolean not null default true,
  kept boolean not null default false,
  parent_id integer,
  inbox_of text,
  description text not null default ''::text,
  settings jsonb not null default '{}'::jsonb,
  password text,
  owner_key text,
  changed_at timestamp with time zone,
  locked_at timestamp with time zone,
  raid_until timestamp with time zone,
  has_own_title boolean not null default false,
  constraint rooms_pkey PRIMARY KEY (id),
  constraint rooms_inbox_check CHECK (((parent_id IS NULL) = (inbox_of IS NULL))),
  constraint rooms_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES rooms(id) ON DELETE CASCADE,
  constraint rooms_slug_key UNIQUE (slug)
) with (fillfactor=50);
CREATE INDEX rooms_changed_at ON rooms USING btree (changed_at) WHERE (changed_at IS NOT NULL);
CREATE INDEX rooms_creator ON rooms USING btree (creator, created_at) WHERE (creator IS NOT NULL);
CREATE UNIQUE INDEX rooms_inbox ON rooms USING btree (parent_id, inbox_of);
CREATE INDEX rooms_inboxes_made ON rooms USING btree (created_at) WHERE (inbox_of IS NOT NULL);
CREATE INDEX rooms_skeleton ON rooms USING btree (skeleton);
CREATE INDEX rooms_title_skeleton ON rooms USING btree (title_skeleton);
CREATE INDEX rooms_wide_creator ON rooms USING btree (wide_creator, created_at) WHERE (wide_creator IS NOT NULL);

create table sightings (
  member_id text not null,
  network text not null,
  wide_network text not null,
  at timestamp with time zone not null default now(),
  constraint sightings_pkey PRIMARY KEY (member_id, network)
);
CREATE INDEX sightings_network ON sightings USING btree (network);
CREATE INDEX sightings_wide_network ON sightings USING btree (wide_network);

create table switches (
  single boolean not null default true,
  read_only boolean not null default false,
  no_new_rooms boolean not null default false,
  speak_after_minutes integer not null default 0,
  version bigint not null default 1,
  operators_since timestamp with time zone not null default now(),
  constraint switches_pkey PRIMARY KEY (single),
  constraint switches_single_check CHECK (single)
);

create table unheard (
  id integer not null generated always as identity,
  room_id integer not null,
  member_id text not null,
  client_id text not null,
  text text not null,
  after_seq bigint not null,
  at timestamp with time zone not null default date_trunc('milliseconds'::text, now()),
  constraint unheard_pkey PRIMARY KEY (id),
  constraint unheard_member_id_client_id_key UNIQUE (member_id, client_id),
  constraint unheard_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms(id) ON DELETE CASCADE
);
CREATE INDEX unheard_at ON unheard USING btree (at);
CREATE INDEX unheard_room_id ON unheard USING btree (room_id);

create unlogged table watchers (
  node text not null,
  room_id integer not null,
  visitors integer not null,
  seen_at timestamp with time zone not null default now(),
  pages integer[],
  inside integer[],
  constraint watchers_pkey PRIMARY KEY (node, room_id)
) with (fillfactor=50);

create table webhook_failures (
  id bigint not null generated always as identity,
  webhook text not null,
  room text not null,
  seq bigint not null,
  error text not null,
  at timestamp with time zone not null default now(),
  constraint webhook_failures_pkey PRIMARY KEY (id),
  constraint webhook_failures_webhook_fkey FOREIGN KEY (webhook) REFERENCES webhooks(id) ON DELETE CASCADE
);

create table webhook_positions (
  webhook text not null,
  room_id integer not null,
  seq bigint not null,
  constraint webhook_positions_pkey PRIMARY KEY (webhook, room_id),
  constraint webhook_positions_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms(id) ON DELETE CASCADE,
  constraint webhook_positions_webhook_fkey FOREIGN KEY (webhook) REFERENCES webhooks(id) ON DELETE CASCADE
);
CREATE INDEX webhook_positions_room_id ON webhook_positions USING btree (room_id);

create table webhooks (
  id text not null,
  sender text,
  until timestamp with time zone,
  constraint webhooks_pkey PRIMARY KEY (id)
);

create function append_drafts(room_ids integer[], kinds text[], member_ids text[], nicknames text[], colors text[], trips text[], tags text[], texts text[], client_ids text[], targets bigint[], channel text)
  returns TABLE(place bigint, room_id integer, slug text, seq bigint, at timestamp with time zone, color text, tag text)
  language plpgsql rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/append_drafts.sql';

create function append_events(room_ids integer[], kinds text[], member_ids text[], nicknames text[], colors text[], trips text[], tags text[], texts text[], client_ids text[], channel text)
  returns TABLE(place bigint, room_id integer, slug text, seq bigint, at timestamp with time zone, color text, tag text)
  language plpgsql rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/append_events.sql';

create function append_whisper(room integer, author text, author_nickname text, author_trip text, receiver text, words text, whisper_id text, is_secret boolean, channel text)
  returns TABLE(outcome text, room_id integer, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text, text text, client_id text, at timestamp with time zone, target bigint, change text, former jsonb, other_room integer, other_seq bigint)
  language plpgsql rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/append_whisper.sql';

create function change_message(room integer, message bigint, author text, change_kind text, new_text text, change_id text, minutes integer, channel text)
  returns TABLE(outcome text, room_id integer, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text, text text, client_id text, at timestamp with time zone, target bigint, change text, former jsonb)
  language plpgsql rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/change_message.sql';

create function color_distance(one text, other text)
  returns bigint
  language sql immutable
  as 'sql/color_distance.sql';

create function count_watchers(room_ids integer[], fresh_seconds double precision)
  returns TABLE(room_id integer, visitors bigint)
  language sql stable rows 200
  as 'sql/count_watchers.sql';

create function distant_color(asked text, former text, palette text[])
  returns text
  language plpgsql immutable
  as 'sql/distant_color.sql';

create function enter_and_append(entry_rooms integer[], entry_members text[], entry_nicknames text[], entry_colors text[], entry_trips text[], entry_looks text[], entry_tags text[], entry_messages text[], entry_networks text[], entry_wide_networks text[], entry_weights double precision[], palette text[], room_members integer, room_ids integer[], kinds text[], member_ids text[], nicknames text[], colors text[], trips text[], tags text[], texts text[], client_ids text[], channel text)
  returns TABLE(entry bigint, outcome text, place bigint, room_id integer, slug text, seq bigint, at timestamp with time zone, color text, tag text)
  language plpgsql rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/enter_and_append.sql';

create function enter_and_append_drafts(entry_rooms integer[], entry_members text[], entry_nicknames text[], entry_colors text[], entry_trips text[], entry_looks text[], entry_tags text[], entry_messages text[], entry_networks text[], entry_wide_networks text[], entry_weights double precision[], palette text[], room_members integer, room_ids integer[], kinds text[], member_ids text[], nicknames text[], colors text[], trips text[], tags text[], texts text[], client_ids text[], targets bigint[], channel text)
  returns TABLE(entry bigint, outcome text, place bigint, room_id integer, slug text, seq bigint, at timestamp with time zone, color text, tag text)
  language plpgsql rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/enter_and_append_drafts.sql';

create function erase_messages(room integer, messages bigint[], channel text)
  returns TABLE(room_id integer, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text, text text, client_id text, at timestamp with time zone, target bigint, change text, former jsonb)
  language plpgsql rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/erase_messages.sql';

create function erase_names(room integer, culprits text[], new_names text[], kept bigint[], since bigint, channel text)
  returns TABLE(room_id integer, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text, text text, client_id text, at timestamp with time zone, target bigint, change text, former jsonb)
  language plpgsql rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/erase_names.sql';

create function events_after(room_ids integer[], positions bigint[], per_room integer)
  returns TABLE(room_id integer, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text, text text, client_id text, at timestamp with time zone, target bigint, change text, former jsonb)
  language plpgsql stable rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/events_after.sql';

create function events_before(room integer, before bigint, at_most integer)
  returns TABLE(room_id integer, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text, text text, client_id text, at timestamp with time zone)
  language plpgsql stable rows 50
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_bitmapscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  set enable_sort=off
  as 'sql/events_before.sql';

create function events_since(room_ids integer[], positions bigint[], per_room integer)
  returns TABLE(room_id integer, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text, text text, client_id text, at timestamp with time zone)
  language plpgsql stable rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/events_since.sql';

create function free_names(gone members[])
  returns void
  language plpgsql
  as 'sql/free_names.sql';

create function freed_name(room integer, freed_look text, member text, own_trip text, OUT is_own boolean, OUT has_trip boolean, OUT color text)
  returns record
  language plpgsql stable
  as 'sql/freed_name.sql';

create function is_unused(r rooms)
  returns boolean
  language sql stable
  as 'sql/is_unused.sql';

create function leave_rooms(room_ids integer[], member_ids text[], unseen_seconds double precision, channel text)
  returns TABLE(room_id integer, seq bigint)
  language plpgsql rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/leave_rooms.sql';

create function remove_unused_rooms(at_most integer)
  returns TABLE(room_id integer)
  language plpgsql rows 1000
  as 'sql/remove_unused_rooms.sql';

create function rename_member(room integer, member text, new_nickname text, new_color text, new_trip text, new_look text, new_tag text, palette text[], channel text)
  returns TABLE(outcome text, color text, tag text, seq bigint)
  language plpgsql rows 1000
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  as 'sql/rename_member.sql';

create function search_messages(room integer, patterns text[], before bigint, at_most integer, budget_ms integer)
  returns TABLE(seq bigint, at timestamp with time zone, is_match boolean)
  language plpgsql stable rows 20
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_bitmapscan=off
  set enable_sort=off
  as 'sql/search_messages.sql';

create function seq_at(room integer, moment timestamp with time zone)
  returns bigint
  language plpgsql stable
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_bitmapscan=off
  set enable_sort=off
  as 'sql/seq_at.sql';

create function talk_before(room integer, before bigint, messages integer, others integer, per_run integer, counted integer)
  returns TABLE(room_id integer, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text, text text, client_id text, at timestamp with time zone, last bigint, enters integer, leaves integer)
  language plpgsql stable rows 100
  as 'sql/talk_before.sql';

create function talk_page(room integer, before bigint, messages integer, others integer, per_run integer, counted integer)
  returns TABLE(room_id integer, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text, text text, client_id text, at timestamp with time zone, target bigint, change text, former jsonb, last bigint, enters integer, leaves integer)
  language plpgsql stable rows 100
  set plan_cache_mode=force_generic_plan
  set enable_seqscan=off
  set enable_bitmapscan=off
  set enable_hashjoin=off
  set enable_mergejoin=off
  set enable_sort=off
  as 'sql/talk_page.sql';
