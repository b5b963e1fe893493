import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";
import { NODE_FRESH_SECONDS } from "./presence.ts";

/** The most people at once and the messages within ten minutes from `at` on. */
export type Activity = { at: string; people: number; messages: number };

/** Adds a node's messages to the activity of these ten minutes, and counts the people. */
export async function addActivity(db: Knex, messages: number): Promise<void> {
  await execute(
    db,
    `insert into activity (at, people, messages)
     select date_bin('10 minutes', now(), timestamptz '2000-01-01'), (
       select count(distinct member_id) from members
     ) + (
       select coalesce(sum(visitors), 0) from count_watchers(null, ?)
     ), ?
     on conflict (at) do update
     set people = greatest(activity.people, excluded.people), messages = activity.messages + excluded.messages`,
    [NODE_FRESH_SECONDS, messages],
  );
}

/** Returns the activity of the last `hours`, oldest first. Times without any have no entry. */
export async function readActivity(db: Knex, hours: number): Promise<Activity[]> {
  const rows = await rowsOf<Omit<Activity, "at"> & { at: Date }>(
    db,
    "select at, people, messages from activity where at > now() - make_interval(hours => ?) order by at",
    [hours],
  );
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}

/** Deletes the activity of more than `hours` ago. */
export async function pruneActivity(db: Knex, hours: number): Promise<void> {
  await execute(db, "delete from activity where at < now() - make_interval(hours => ?)", [hours]);
}

/** The figures of a site now. `sessions` are the people who entered a room within the last day. */
export type SiteFigures = { rooms: number; members: number; visitors: number; sessions: number; reports: number };

/** Counts rooms, people and reports. */
export async function readFigures(db: Knex): Promise<SiteFigures> {
  const [figures] = await rowsOf<SiteFigures>(
    db,
    `select (select count(*) from rooms where slug not like '@%') as rooms, (select count(distinct member_id) from members) as members,
       (select coalesce(sum(visitors), 0) from count_watchers(null, ?)) as visitors,
       (select count(distinct member_id) from sightings) as sessions,
       (select count(*) from reports where resolved_at is null) as reports`,
    [NODE_FRESH_SECONDS],
  );
  return figures as SiteFigures;
}
