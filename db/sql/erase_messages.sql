-- Erases messages and notices of a room, or whispers of an inbox, on behalf of a moderator, and
-- appends an `erase` for each, by its author. Returns these events. Those that are erased already
-- are skipped. The kinds are those of SAID_KINDS in protocol/line.ts. Called by
-- eraseMessages() in db/log/erase.ts.
--
-- As in change_message(), the messages' rows change in the same transaction, and so do earlier
-- edits of them, so no reader of the table finds the text once the events are committed.
create or replace function erase_messages(room int, messages bigint[], channel text) returns table (
  room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text,
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
  said events[];
  stored bigint[];
begin
  perform from rooms r where r.id = room for no key update;
  said := array(
    select e from events e
    where e.room_id = room and e.seq = any(messages) and e.kind in ('message', 'notice', 'whisper')
      and e.change is distinct from 'erased'
    order by e.seq
  );
  if cardinality(said) = 0 then return; end if;
  update events e set text = null, change = 'erased'
  where e.room_id = room and e.seq = any(array(select s.seq from unnest(said) s));
  update events e set text = null
  where e.room_id = room and e.kind = 'edit' and e.target = any(array(select s.seq from unnest(said) s))
    and e.text is not null;
  stored := array(
    select a.seq from append_drafts(
      array_fill(room, array[cardinality(said)]),
      array_fill('erase'::text, array[cardinality(said)]),
      array(select s.member_id from unnest(said) s),
      array(select s.nickname from unnest(said) s),
      array(select s.color from unnest(said) s),
      array(select s.trip from unnest(said) s),
      array(select s.tag from unnest(said) s),
      array_fill(null::text, array[cardinality(said)]),
      array_fill(null::text, array[cardinality(said)]),
      array(select s.seq from unnest(said) s),
      channel
    ) a
  );
  update events e set former = '{"by": "moderator"}' where e.room_id = room and e.seq = any(stored);
  return query
  select e.room_id, r.slug, e.seq, e.kind, e.member_id, e.nickname, e.color, e.trip, e.tag, e.text, e.client_id,
    e.at, e.target, e.change, e.former
  from events e join rooms r on r.id = e.room_id
  where e.room_id = room and e.seq = any(stored) order by e.seq;
end
$$;
