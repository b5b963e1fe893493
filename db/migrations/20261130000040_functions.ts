import type { Knex } from "knex";
import { up as formerAppend } from "./20261129000001_said_under_the_name_entered.ts";

/**
 * From here on, migrations change tables only. The text of the functions is in db/sql, and the table
 * `functions` has the hash of the text that was applied last; see db/functions.ts.
 *
 * The two functions that are dropped were kept for nodes of an earlier version. The version before
 * this one does not call them.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    create table functions (
      single boolean primary key default true check (single),
      revision integer not null,
      sha256 text not null,
      applied_at timestamptz not null default now()
    );

    drop function if exists append_events(
      int[], text[], text[], text[], text[], text[], text[], text[], text
    );
    drop function if exists enter_and_append(
      int[], text[], text[], text[], text[], text[], text[], text[], text[], int,
      int[], text[], text[], text[], text[], text[], text[], text[], text[], text
    );
  `);
}

/** Leaves the functions as they are, and restores the ones that earlier migrations drop. */
export async function down(db: Knex): Promise<void> {
  await db.raw("drop table functions");
  await formerAppend(db);
  // Nothing calls this one before it is dropped.
  await db.raw(`
    create function enter_and_append(
      int[], text[], text[], text[], text[], text[], text[], text[], text[], int,
      int[], text[], text[], text[], text[], text[], text[], text[], text[], text
    ) returns void language sql as 'select';
  `);
}
