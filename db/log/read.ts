import type { Knex } from "knex";
import type { RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { prepared, runPrepared } from "../pool/prepared.ts";
import { rowsOf } from "../pool/statement.ts";
import { type EventRow, eventOf, type Stored, storedOf } from "./event-row.ts";

/** Returns the events after each room's position, in order, at most `limit` per room. */
export async function readSince(db: Knex, after: Map<number, number>, limit: number): Promise<Stored[]> {
  const rows = await runPrepared<EventRow>(db, EVENTS_AFTER, [[...after.keys()], [...after.values()], limit]);
  return rows.map(storedOf);
}

const EVENTS_AFTER = prepared("select * from events_after(?::int[], ?::bigint[], ?)");

/**
 * Returns the events after a seq, in order: at most `limit`, about `bytes` of text, and one in any
 * case.
 */
export async function readPage(
  db: Knex,
  { roomId, after, limit, bytes }: { roomId: number; after: number; limit: number; bytes: number },
): Promise<RoomEvent[]> {
  const rows = await rowsOf<EventRow>(
    db,
    `select e.*, r.slug from (
       select page.*, coalesce(sum(octet_length(text)) over (order by seq rows between unbounded preceding and 1 preceding), 0) as before
       from (select * from events where room_id = ? and seq > ? order by seq limit ?) page
     ) e join rooms r on r.id = e.room_id where e.before < ? order by e.seq`,
    [roomId, after, limit, bytes],
  );
  return rows.map(eventOf);
}

/**
 * Messages and notices of a room with the other events between them, oldest first, and the parts
 * that are left out.
 */
export type Talk = { events: RoomEvent[]; skipped: SkippedRun[] };

/**
 * Returns the last `messages` messages and notices before a seq, by default the newest, and the
 * events between and after them. Long runs of other events are shortened, see db/sql/talk_page.sql.
 */
export async function readTalk(
  db: Knex,
  { roomId, before = Number.MAX_SAFE_INTEGER, messages }: { roomId: number; before?: number; messages: number },
): Promise<Talk> {
  const limits = [messages, OTHERS_IN_TALK, OTHERS_IN_RUN, COUNTED_OTHERS];
  const rows = await rowsOf<TalkRow>(db, "select * from talk_page(?, ?, ?, ?, ?, ?)", [roomId, before, ...limits]);
  rows.sort((a, b) => a.seq - b.seq);
  return {
    events: rows.filter((row) => row.kind !== "skipped").map((row) => eventOf(row as EventRow)),
    skipped: rows.filter((row) => row.kind === "skipped").map(skippedOf),
  };
}

/** A run is one line that opens. 50 events are more than anybody reads of it. */
const OTHERS_IN_RUN = 50;

/** 500 events are 100 kB of a page, 10 kB when it is compressed. */
const OTHERS_IN_TALK = 500;

/** Counting 5,000 events takes 2 ms. */
const COUNTED_OTHERS = 5_000;

type TalkRow = Omit<EventRow, "kind"> & {
  kind: EventRow["kind"] | "skipped";
  last: number;
  enters: number | null;
  leaves: number | null;
};

function skippedOf({ seq: first, last, enters, leaves }: TalkRow): SkippedRun {
  return enters === null || leaves === null ? { first, last } : { first, last, enters, leaves };
}

/** Returns the events after a seq that change who is in a room, in order, at most `limit`. */
export async function readMoves(
  db: Knex,
  { roomId, after, limit }: { roomId: number; after: number; limit: number },
): Promise<RoomEvent[]> {
  const rows = await rowsOf<EventRow>(
    db,
    `select *, '' as slug from events where room_id = ? and seq > ? and kind in ('enter', 'leave', 'rename')
     order by seq limit ?`,
    [roomId, after, limit],
  );
  return rows.map(eventOf);
}

/** Returns which of these seqs of a room are messages or notices that the log still has. */
export async function findMessages(db: Knex, roomId: number, seqs: number[]): Promise<Set<number>> {
  const rows = await rowsOf<{ seq: number }>(
    db,
    `select e.seq from events e
     where e.room_id = ? and e.seq = any(?::bigint[]) and e.kind in ('message', 'notice')
       and e.seq > (select pruned_seq from rooms where id = e.room_id)`,
    [roomId, seqs],
  );
  return new Set(rows.map(({ seq }) => seq));
}

/** Returns the message that a member sent under a client id, if there is one. */
export async function findSent(db: Knex, memberId: string, clientId: string): Promise<Stored | undefined> {
  return (await readSent(db, [{ memberId, clientId }]))[0];
}

/** Returns the messages that members sent under these client ids, in no particular order. */
export async function readSent(db: Knex, keys: { memberId: string; clientId: string }[]): Promise<Stored[]> {
  const rows = await rowsOf<EventRow>(
    db,
    `select e.*, r.slug
     from unnest(?::text[], ?::text[]) as sent (member_id, client_id)
     join events e on e.member_id = sent.member_id and e.client_id = sent.client_id
     join rooms r on r.id = e.room_id`,
    [keys.map((key) => key.memberId), keys.map((key) => key.clientId)],
  );
  return rows.map(storedOf);
}
