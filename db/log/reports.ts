import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";

/**
 * A report of a message, or without `seq` of a person. With `inboxId`, `seq` is that of a whisper
 * in the inbox of the person who reports it. A visitor without a session has no `by`.
 */
export type NewReport = {
  roomId: number;
  inboxId?: number | undefined;
  seq?: number | undefined;
  memberId: string;
  nickname: string;
  reason: string;
  by?: string | undefined;
  byName?: string | undefined;
};

/** A report in the queue. `text` is the message's text as it is now, unless it was erased. */
export type StoredReport = {
  id: number;
  room: string;
  seq: number | null;
  isWhisper: boolean;
  member: { id: string; nickname: string };
  text: string | null;
  reason: string;
  by: string | null;
  at: string;
  resolvedAt: string | null;
};

/** Reports of one room that wait, at most, so that a crowd cannot fill the table. */
const OPEN_MAX = 1_000;

/**
 * Stores a report. The same report by the same person is stored once. Returns `false` if the
 * room's queue is full.
 */
export async function writeReport(db: Knex, report: NewReport): Promise<boolean> {
  const { roomId, inboxId, seq, memberId, nickname, reason, by, byName } = report;
  const [count] = await rowsOf<{ open: number; same: number }>(
    db,
    `select count(*) as open, count(*) filter (
       where by = ? and member_id = ? and seq is not distinct from ?::bigint and inbox_id is not distinct from ?::int
     ) as same from reports where room_id = ? and resolved_at is null`,
    [by ?? null, memberId, seq ?? null, inboxId ?? null, roomId],
  );
  if ((count?.same ?? 0) > 0) return true;
  if ((count?.open ?? 0) >= OPEN_MAX) return false;
  await execute(
    db,
    `insert into reports (room_id, inbox_id, seq, member_id, nickname, reason, by, by_name)
     values (?, ?, ?, ?, ?, ?, ?, ?)`,
    [roomId, inboxId ?? null, seq ?? null, memberId, nickname, reason, by ?? null, byName ?? null],
  );
  return true;
}

/**
 * Returns the oldest reports that wait, of a room or of all rooms, at most 200. Of all whispers,
 * moderators read those only that one of its two sides has reported.
 */
export async function readReports(db: Knex, roomId?: number): Promise<StoredReport[]> {
  const rows = await rowsOf<ReportRow>(
    db,
    `select p.id, r.slug as room, p.seq, p.member_id as "memberId", p.nickname, e.text, p.reason, p.by_name as by, p.at,
       p.resolved_at as "resolvedAt", p.inbox_id is not null as "isWhisper"
     from reports p join rooms r on r.id = p.room_id
     left join events e on e.room_id = coalesce(p.inbox_id, p.room_id) and e.seq = p.seq
     where p.resolved_at is null and p.room_id = coalesce(?, p.room_id) order by p.id limit 200`,
    [roomId ?? null],
  );
  return rows.map(({ memberId, nickname, at, resolvedAt, ...row }) => ({
    ...row,
    member: { id: memberId, nickname },
    at: at.toISOString(),
    resolvedAt: resolvedAt?.toISOString() ?? null,
  }));
}

type ReportRow = Omit<StoredReport, "member" | "at" | "resolvedAt"> & {
  memberId: string;
  nickname: string;
  at: Date;
  resolvedAt: Date | null;
};

/** A report that was taken out of the queue. */
export type ResolvedReport = { id: number; roomId: number; room: string; memberId: string; nickname: string };

/** Takes a report out of the queue. Returns `undefined` if it does not wait, in that room. */
export async function resolveReport(
  db: Knex,
  { id, roomId, by }: { id: number; roomId?: number | undefined; by: string },
): Promise<ResolvedReport | undefined> {
  const [resolved] = await rowsOf<ResolvedReport>(
    db,
    `update reports p set resolved_at = now(), resolved_by = ? from rooms r
     where p.id = ? and p.room_id = coalesce(?, p.room_id) and p.resolved_at is null and r.id = p.room_id
     returning p.id, p.room_id as "roomId", r.slug as room, p.member_id as "memberId", p.nickname`,
    [by, id, roomId ?? null],
  );
  return resolved;
}

/**
 * Returns the nickname of a person who is in a room, or has sent a message there; `undefined` for
 * anybody else.
 */
export async function findPerson(db: Knex, roomId: number, memberId: string): Promise<string | undefined> {
  const [found] = await rowsOf<{ nickname: string }>(
    db,
    `(select nickname from members where room_id = ? and member_id = ?)
     union all
     (select nickname from events where member_id = ? and client_id is not null and room_id = ? limit 1)
     limit 1`,
    [roomId, memberId, memberId, roomId],
  );
  return found?.nickname;
}
