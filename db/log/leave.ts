import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";
import { CLOCK_SLACK, type Membership } from "./members.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/** Removes members from rooms. Resolves when the leave events are stored. */
export type Leave = (memberships: Membership[]) => Promise<void>;

/**
 * Removes members from rooms, and stores a leave event for each, except for those who entered
 * silently. This is one statement, see
 * db/sql/leave_rooms.sql. With `unseenSeconds`, only members that no node has seen for that long
 * leave. Members who are not in the room are skipped. Returns the number of members who left.
 */
export async function leaveRooms(
  db: Knex,
  memberships: Membership[],
  { unseenSeconds, wakeUps }: { unseenSeconds?: number; wakeUps?: WakeUps | undefined } = {},
): Promise<number> {
  return (await leave(db, memberships, { unseenSeconds, wakeUps })).left;
}

type Left = { left: number; heads: { room_id: number; seq: number }[] };

async function leave(
  db: Knex,
  memberships: Membership[],
  { unseenSeconds, wakeUps }: { unseenSeconds?: number | undefined; wakeUps?: WakeUps | undefined },
): Promise<Left> {
  const left = await rowsOf<{ room_id: number; seq: number | null }>(
    db,
    "select * from leave_rooms(?::int[], ?::text[], ?, ?)",
    [
      memberships.map(({ roomId }) => roomId),
      memberships.map(({ memberId }) => memberId),
      unseenSeconds ?? null,
      notifyChannelOf(wakeUps),
    ],
  );
  const heads = left.filter((row): row is { room_id: number; seq: number } => row.seq !== null);
  await publishHeads(db, wakeUps, heads);
  return { left: left.length, heads };
}

/**
 * Removes members from rooms on behalf of a moderator, which their leave events say. Returns the
 * number of members who left.
 */
export async function removeMembers(db: Knex, memberships: Membership[], wakeUps?: WakeUps): Promise<number> {
  let count = 0;
  for (let start = 0; start < memberships.length; start += LEAVE_BATCH) {
    const batch = memberships.slice(start, start + LEAVE_BATCH);
    count += await db.transaction(async (tx) => {
      const { left, heads } = await leave(tx, batch, { wakeUps });
      await execute(
        tx,
        `update events e set former = '{"by": "moderator"}' from unnest(?::int[], ?::bigint[]) as l (room_id, seq)
         where e.room_id = l.room_id and e.seq = l.seq`,
        [heads.map(({ room_id }) => room_id), heads.map(({ seq }) => seq)],
      );
      return left;
    });
  }
  return count;
}

/** Leaves in one transaction, which takes some 10 ms. */
const LEAVE_BATCH = 200;

type WaitingLeave = { memberships: Membership[]; resolve(): void; reject(error: unknown): void };

/**
 * Returns a function that runs one transaction at a time. Leaves that arrive meanwhile share the
 * next one, so a crowd that leaves takes one database connection and not all of them.
 */
export function createLeave(db: Knex, wakeUps?: WakeUps): Leave {
  let waiting: WaitingLeave[] = [];
  let isRunning = false;

  return (memberships) =>
    new Promise((resolve, reject) => {
      waiting.push({ memberships, resolve, reject });
      if (!isRunning) void run();
    });

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, LEAVE_BATCH);
      waiting = waiting.slice(LEAVE_BATCH);
      await leaveTogether(batch);
    }
    isRunning = false;
  }

  async function leaveTogether(batch: WaitingLeave[]): Promise<void> {
    try {
      await leaveRooms(
        db,
        batch.flatMap((one) => one.memberships),
        { wakeUps },
      );
      for (const one of batch) one.resolve();
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
  }
}

/** Members found by one scan of the table. */
const UNSEEN_LIMIT = 5_000;

/**
 * Removes all members that no node has seen for `graceSeconds`, longest absent first, until none is
 * left or `signal` aborts. Returns the number of members removed.
 */
export async function sweepMembers(
  db: Knex,
  { graceSeconds, signal, wakeUps }: { graceSeconds: number; signal?: AbortSignal; wakeUps?: WakeUps },
): Promise<number> {
  let left = 0;
  for (;;) {
    const unseen = await findUnseen(db, graceSeconds);
    const before = left;
    for (let start = 0; start < unseen.length; start += LEAVE_BATCH) {
      if (signal?.aborted) return left;
      const batch = unseen.slice(start, start + LEAVE_BATCH);
      left += await leaveRooms(db, batch, { unseenSeconds: graceSeconds, wakeUps });
    }
    // Nobody left: the table has no more, or another node is removing the same members.
    if (unseen.length < UNSEEN_LIMIT || left === before) return left;
  }
}

/** Returns the database's clock, in ms since 1970. Members seen in its future count as seen now. */
export async function readClock(db: Knex): Promise<number> {
  await execute(db, `update members set seen_at = now() where seen_at > now() + interval '${CLOCK_SLACK}'`);
  const [row] = await rowsOf<{ ms: number }>(db, "select extract(epoch from now()) * 1000 as ms");
  return Number(row?.ms);
}

/**
 * Returns members that no node has seen for `graceSeconds`, longest absent first, at most
 * UNSEEN_LIMIT.
 *
 * This scans the whole table. seen_at of everybody present is written every few seconds, and an
 * index on it would add an entry to every index with each of these writes, because PostgreSQL
 * updates a row in place (HOT) only while no indexed column changes. A scan of 100,000 members
 * takes 20 ms, once per presence round.
 */
function findUnseen(db: Knex, graceSeconds: number): Promise<Membership[]> {
  return rowsOf<Membership>(
    db,
    `select room_id as "roomId", member_id as "memberId" from members
     where seen_at < now() - make_interval(secs => ?) order by seen_at limit ?`,
    [graceSeconds, UNSEEN_LIMIT],
  );
}
