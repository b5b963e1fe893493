import type { Knex } from "knex";

/**
 * Up to which seq a room's log was pruned. Without it the search for the first event still kept steps over everything
 * deleted since the last vacuum; see docs/decisions/0018-pruned-not-partitioned.md.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    alter table rooms add column pruned_seq bigint not null default 0;

    -- the last events before a seq. A bound that the planner does not know makes it believe in few rows and sort the
    -- whole room for a page: it is told to go by the key, which is in order
    create or replace function events_before(room int, before bigint, at_most int)
    returns setof events
    language plpgsql stable rows 50
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    as $$
    begin
      return query
      select * from events
      where room_id = room and seq < before and seq > (select pruned_seq from rooms where id = room)
      order by seq desc limit at_most;
    end
    $$;
  `);
}

/** What was pruned stays so; finding the first event takes longer again. */
export async function down(db: Knex): Promise<void> {
  await db.raw("drop function events_before(int, bigint, int); alter table rooms drop column pruned_seq;");
}
