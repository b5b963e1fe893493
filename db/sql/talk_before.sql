-- Returns a page of history without what was added to events. Only nodes of the version before call
-- it. talk_page.sql replaces it.
create or replace function talk_before(
  room int, before bigint, messages int, others int, per_run int, counted int
)
returns table (
  room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, tag text,
  text text, client_id text, at timestamptz, last bigint, enters int, leaves int
)
language plpgsql stable rows 100
as $$
#variable_conflict use_column
begin
  return query
  select t.room_id, t.slug, t.seq, t.kind, t.member_id, t.nickname, t.color, t.trip, t.tag, t.text, t.client_id, t.at,
    t.last, t.enters, t.leaves
  from talk_page(room, before, messages, others, per_run, counted) t;
end
$$;
