import type { Knex } from "knex";
import type { RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { prepared, runPrepared } from "../pool/prepared.ts";
import { rowsOf } from "../pool/statement.ts";
import { type EventRow, eventOf, type Stored, storedOf } from "./event-row.ts";

/** Returns the events after each room's position, in order, at most `limit` per room. */
export async function readSince(db: Knex, after: Map<number, number>, limit: number): Promise<Stored[]> {
  const rows = await runPrepared<EventRow>(db, EVENTS_SINCE, [[...after.keys()], [...after.values()], limit]);
  return rows.map(storedOf);
}

const EVENTS_SINCE = prepared("select * from events_since(?::int[], ?::bigint[], ?)");

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

/** Messages of a room with the other events between them, oldest first, and what is left out. */
export type Talk = { events: RoomEvent[]; skipped: SkippedRun[] };

/**
 * Returns the last `messages` messages before a seq, by default the newest, and the events between
 * and after them. Long runs of other events are shortened, see db/sql/talk_before.sql.
 */
export async function readTalk(
  db: Knex,
  { roomId, before = Number.MAX_SAFE_INTEGER, messages }: { roomId: number; before?: number; messages: number },
): Promise<Talk> {
  const limits = [messages, OTHERS_IN_TALK, OTHERS_IN_RUN, COUNTED_OTHERS];
  const rows = await rowsOf<TalkRow>(db, "select * from talk_before(?, ?, ?, ?, ?, ?)", [roomId, before, ...limits]);
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

/** Returns the enter and leave events after a seq, in order, at most `limit`. */
export async function readMoves(
  db: Knex,
  { roomId, after, limit }: { roomId: number; after: number; limit: number },
): Promise<RoomEvent[]> {
  const rows = await rowsOf<EventRow>(
    db,
    `select *, '' as slug from events where room_id = ? and seq > ? and kind <> 'message' order by seq limit ?`,
    [roomId, after, limit],
  );
  return rows.map(eventOf);
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
