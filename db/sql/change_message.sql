-- Edits or erases a message of its author, and appends the `edit` or the `erase` to the log. Called
-- by changeMessage() in db/log/change.ts, which describes the outcomes. Without an outcome that
-- refuses it, the row is the event that is in the log now.
--
-- The message's row changes in the same transaction, and so do earlier edits of it, which lose
-- their text. So no reader of the table finds a former text once the event is committed. The lock
-- on the room's row keeps two changes of a message apart.
create or replace function change_message(
  room int, message bigint, author text, change_kind text, new_text text, change_id text, minutes int, channel text
) returns table (
  outcome text, room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text,
  tag text, text text, client_id text, at timestamptz, target bigint, change text, former jsonb
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
  known events;
  stored bigint;
begin
  perform from rooms r where r.id = room for no key update;
  select e.* into known from events e where e.member_id = author and e.client_id = change_id;
  if known.seq is null then
    select e.* into said from events e
    where e.room_id = room and e.seq = message and e.kind = 'message'
      and e.seq > (select r.pruned_seq from rooms r where r.id = room);
    if said.seq is null or (said.change = 'erased' and said.member_id = author and change_kind = 'edit') then
      outcome := 'unknown';
    elsif said.member_id <> author then
      outcome := 'foreign';
    elsif said.change = 'erased' or (said.change = 'edited' and change_kind = 'edit' and said.text = new_text) then
      select e.* into known from events e
      where e.room_id = room and e.target = message and e.kind = change_kind order by e.seq desc limit 1;
    elsif said.at < clock_timestamp() - make_interval(mins => minutes) then
      outcome := 'late';
    end if;
    if outcome is not null then
      return next;
      return;
    end if;
  end if;
  if known.seq is null then
    update events e set text = new_text, change = case change_kind when 'edit' then 'edited' else 'erased' end
    where e.room_id = room and e.seq = message;
    update events e set text = null
    where e.room_id = room and e.target = message and e.kind = 'edit' and e.text is not null;
    select a.seq into stored from append_drafts(
      array[room], array[change_kind], array[author], array[said.nickname], array[said.color], array[said.trip],
      array[said.tag], array[new_text], array[change_id], array[message], channel
    ) a;
    select e.* into known from events e where e.room_id = room and e.seq = stored;
    outcome := 'changed';
  else
    outcome := 'known';
  end if;
  return query
  select outcome, e.room_id, r.slug, e.seq, e.kind, e.member_id, e.nickname, e.color, e.trip, e.tag, e.text,
    e.client_id, e.at, e.target, e.change, e.former
  from (select known.*) e join rooms r on r.id = e.room_id;
end
$$;
