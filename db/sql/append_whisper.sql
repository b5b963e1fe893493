-- Stores a whisper in the inboxes of its author and of its receiver, in one commit, and returns it
-- as it is in the author's inbox. Called by appendWhisper() in db/log/whispers.ts, which describes
-- the outcomes. A secret whisper is in the author's inbox only. `other_room` and `other_seq` are
-- the receiver's inbox and the seq there.
--
-- Only the author's copy has the client id, because it is unique. An inbox is made with its first
-- whisper, and has a higher number than its room. So all functions lock rooms in ascending order.
-- The lock on the room only keeps it from being removed, so whispers do not wait for messages.
create or replace function append_whisper(
  room int, author text, author_nickname text, author_trip text, receiver text, words text, whisper_id text,
  is_secret boolean, channel text
) returns table (
  outcome text, room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text,
  tag text, text text, client_id text, at timestamptz, target bigint, change text, former jsonb,
  other_room int, other_seq bigint
)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  said events;
  speaker members;
  hearer members;
  own rooms;
  other rooms;
  owners text[] := case when is_secret then array[author] else array[author, receiver] end;
begin
  perform from rooms r where r.id = room for key share;
  if not found then
    outcome := 'gone';
    return next;
    return;
  end if;
  select e.* into said from events e where e.member_id = author and e.client_id = whisper_id;
  if said.seq is null then
    select m.* into speaker from members m where m.room_id = room and m.member_id = author;
    select m.* into hearer from members m where m.room_id = room and m.member_id = receiver;
    if speaker.nickname is distinct from author_nickname or speaker.trip is distinct from author_trip then
      outcome := 'absent';
      return next;
      return;
    elsif hearer.member_id is null then
      outcome := 'away';
      return next;
      return;
    end if;
    -- In the order of their owners, so that two that make the same inboxes cannot deadlock.
    insert into rooms (slug, title, public, parent_id, inbox_of)
    select '@' || r.slug || '.' || o.owner, r.title, false, room, o.owner
    from unnest(owners) as o (owner) cross join lateral (select * from rooms where id = room offset 0) r
    where not exists (select from rooms i where i.parent_id = room and i.inbox_of = o.owner)
    order by o.owner
    on conflict do nothing;
    perform from rooms r where r.parent_id = room and r.inbox_of = any(owners) order by r.id for no key update;
    -- The same whisper may have been stored while this one waited.
    select e.* into said from events e where e.member_id = author and e.client_id = whisper_id;
  end if;
  outcome := 'known';
  if said.seq is null then
    outcome := 'stored';
    select r.* into own from rooms r where r.parent_id = room and r.inbox_of = author;
    if not is_secret then
      select r.* into other from rooms r where r.parent_id = room and r.inbox_of = receiver;
      other_room := other.id;
      other_seq := other.last_seq + 1;
    end if;
    said.at := date_trunc('milliseconds', clock_timestamp());
    insert into events (room_id, seq, kind, member_id, nickname, color, trip, tag, text, client_id, former, at)
    select i.id, i.last_seq + 1, 'whisper', author, speaker.nickname, speaker.color, speaker.trip, speaker.tag, words,
      case when i.id = own.id then whisper_id end,
      jsonb_strip_nulls(jsonb_build_object(
        'id', hearer.member_id, 'nickname', hearer.nickname, 'color', hearer.color, 'trip', hearer.trip,
        'tag', hearer.tag
      )),
      said.at
    from rooms i where i.id in (own.id, other.id);
    update rooms r set last_seq = r.last_seq + 1, last_at = said.at where r.id in (own.id, other.id);
    select e.* into said from events e where e.room_id = own.id and e.seq = own.last_seq + 1;
    if channel is not null then
      perform pg_notify(channel, concat_ws(' ', own.id || ':' || said.seq, other_room || ':' || other_seq));
    end if;
  end if;
  select r.slug into slug from rooms r where r.id = said.room_id;
  room_id := said.room_id;
  seq := said.seq;
  kind := said.kind;
  member_id := said.member_id;
  nickname := said.nickname;
  color := said.color;
  trip := said.trip;
  tag := said.tag;
  text := said.text;
  client_id := said.client_id;
  at := said.at;
  target := said.target;
  change := said.change;
  former := said.former;
  return next;
end
$$;
