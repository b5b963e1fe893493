import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";
import { changeState } from "./switches.ts";
import type { WakeUps } from "./wake-ups.ts";

/** The target of a ban: a session by its member's id, a trip, or a network by its eight letters. */
export type BanTarget = { kind: "member" | "trip" | "network"; value: string };

/**
 * The act that a ban forbids. `silence`: to speak. `shut-out`: everything. `remove`: everything
 * until the member enters again.
 */
export type BanAct = "silence" | "shut-out" | "remove";

/**
 * A ban. Without `roomId`, it holds on the whole site; without `until` (milliseconds since 1970),
 * for good. A ban that is made `secretly` is hidden from the person. `by` is the moderator's member
 * id, or `operator`.
 */
export type Ban = BanTarget & {
  id: number;
  roomId: number | undefined;
  act: BanAct;
  secretly: boolean;
  reason: string;
  until: number | undefined;
  by: string;
  byName: string;
  at: string;
};

/** A ban to make. `minutes` is how long it holds; without it, for good. */
export type NewBan = Pick<Ban, "kind" | "value" | "roomId" | "act" | "secretly" | "reason" | "by" | "byName"> & {
  minutes?: number | undefined;
};

type BanRow = Omit<Ban, "roomId" | "until" | "at"> & { roomId: number | null; until: Date | null; at: Date };

const COLUMNS = `id, room_id as "roomId", kind, value, act, secretly, reason, until, by, by_name as "byName", at`;

const IS_LIVE = "lifted_at is null and (until is null or until > now())";

/** Stores a ban and notifies the nodes. A ban that is live already is replaced. */
export async function writeBan(db: Knex, wakeUps: WakeUps, ban: NewBan): Promise<Ban> {
  const { kind, value, roomId, act, secretly, reason, minutes, by, byName } = ban;
  return changeState(db, wakeUps, async (tx) => {
    await execute(
      tx,
      `update bans set lifted_at = now()
       where kind = ? and value = ? and room_id is not distinct from ?::int and (act = ? or ? = 'shut-out') and ${IS_LIVE}`,
      [kind, value, roomId ?? null, act, act],
    );
    const [row] = await rowsOf<BanRow>(
      tx,
      `insert into bans (room_id, kind, value, act, secretly, reason, until, by, by_name)
       values (?, ?, ?, ?, ?, ?, now() + ?::int * interval '1 minute', ?, ?) returning ${COLUMNS}`,
      [roomId ?? null, kind, value, act, secretly, reason, minutes ?? null, by, byName],
    );
    return banOf(row as BanRow);
  });
}

/**
 * Lifts a ban, of a room or of the whole site, and notifies the nodes. Returns the ban, `undefined`
 * if there is no such ban that holds.
 */
export async function liftBan(
  db: Knex,
  wakeUps: WakeUps,
  { id, roomId }: { id: number; roomId: number | undefined },
): Promise<Ban | undefined> {
  return changeState(db, wakeUps, async (tx) => {
    const [row] = await rowsOf<BanRow>(
      tx,
      `update bans set lifted_at = now()
       where id = ? and room_id is not distinct from ?::int and ${IS_LIVE} returning ${COLUMNS}`,
      [id, roomId ?? null],
    );
    return row && banOf(row);
  });
}

/** Ends the removal of a member who enters a room again. */
export async function endRemoval(
  db: Knex,
  wakeUps: WakeUps,
  { roomId, memberId }: { roomId: number; memberId: string },
): Promise<void> {
  await changeState(db, wakeUps, (tx) =>
    execute(
      tx,
      `update bans set lifted_at = now()
       where room_id = ? and kind = 'member' and value = ? and act = 'remove' and ${IS_LIVE}`,
      [roomId, memberId],
    ),
  );
}

/** Returns the bans that hold: all of them, those of a room, or those of the whole site only. */
export async function readBans(db: Knex, scope: "all" | "site" | number = "all"): Promise<Ban[]> {
  const isThere = scope === "all" ? "true" : scope === "site" ? "room_id is null" : "room_id = ?";
  const rows = await rowsOf<BanRow>(
    db,
    `select ${COLUMNS} from bans where ${IS_LIVE} and ${isThere} order by id`,
    typeof scope === "number" ? [scope] : [],
  );
  return rows.map(banOf);
}

/**
 * How many people a ban would hit: members who are `present` in the room or on the site, and all
 * `sessions` of the last day.
 */
export type BanHit = { present: number; sessions: number };

/** Counts the people whom a ban would hit. */
export async function countHit(db: Knex, { kind, value }: BanTarget, roomId?: number): Promise<BanHit> {
  const [hit] = await rowsOf<BanHit>(
    db,
    `with hit as (
       select member_id from sightings where ? = 'network' and ? in (network, wide_network)
       union
       select member_id from members where (? = 'trip' and trip = ?) or (? = 'member' and member_id = ?)
     )
     select (select count(*) from hit) as sessions, (
       select count(distinct m.member_id) from members m join hit using (member_id)
       where m.room_id = coalesce(?, m.room_id)
     ) as present`,
    [kind, value, kind, value, kind, value, roomId ?? null],
  );
  return hit as BanHit;
}

/** Returns the members of rooms whom a ban hits. */
export function membershipsHit(
  db: Knex,
  { kind, value }: BanTarget,
  roomId?: number,
): Promise<{ roomId: number; memberId: string; nickname: string }[]> {
  return rowsOf(
    db,
    `select m.room_id as "roomId", m.member_id as "memberId", m.nickname from members m
     where m.room_id = coalesce(?, m.room_id) and case ?
       when 'member' then m.member_id = ?
       when 'trip' then m.trip = ?
       else exists (select from sightings s where s.member_id = m.member_id and ? in (s.network, s.wide_network))
     end`,
    [roomId ?? null, kind, value, value, value],
  );
}

function banOf({ roomId, until, at, ...ban }: BanRow): Ban {
  return { ...ban, roomId: roomId ?? undefined, until: until?.getTime(), at: at.toISOString() };
}
