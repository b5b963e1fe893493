import type { Knex } from "knex";

/**
 * Up to which seq a room's log was pruned. Without it the search for the first event still kept steps over everything
 * deleted since the last vacuum; see docs/decisions/0018-pruned-not-partitioned.md.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    alter table rooms add column pruned_seq bigint not null default 0;

    -- the last events before a seq, the last first. A bound that the planner does not know makes it believe in few rows and sort the
    -- whole room for a page: it is told to go by the key, which is in order
    create or replace function events_before(room int, before bigint, at_most int)
    returns table (
      room_id int, slug text, seq bigint, kind text, member_id text, nickname text, color text, trip text, text text,
      client_id text, at timestamptz
    )
    language plpgsql stable rows 50
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
    set enable_sort = off
    as $$
    #variable_conflict use_column
    begin
      return query
      select e.room_id, r.slug, e.seq, e.kind, e.member_id, e.nickname, e.color, e.trip, e.text, e.client_id, e.at
      from events e join rooms r on r.id = e.room_id
      where e.room_id = room and e.seq < before and e.seq > (select pruned_seq from rooms where id = room)
      order by e.seq desc limit at_most;
    end
    $$;
  `);
}

/** What was pruned stays so; finding the first event takes longer again. */
export async function down(db: Knex): Promise<void> {
  await db.raw("drop function events_before(int, bigint, int); alter table rooms drop column pruned_seq;");
}
