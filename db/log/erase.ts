import type { Knex } from "knex";
import type { RoomErase } from "../../protocol/event.ts";
import { rowsOf } from "../pool/statement.ts";
import { type EventRow, eventOf } from "./event-row.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/** Messages erased in one commit, which takes some 10 ms. */
const ERASE_BATCH = 100;

/** Events of a room's log that one query reads while it looks for the messages of a trip. */
const SCAN_EVENTS = 10_000;

/**
 * Erases messages of a room on behalf of a moderator, and appends an event for each. This is one
 * statement, see db/sql/erase_messages.sql. Returns the events; none for messages that are erased
 * already.
 */
export async function eraseMessages(
  db: Knex,
  { roomId, seqs }: { roomId: number; seqs: number[] },
  wakeUps?: WakeUps,
): Promise<RoomErase[]> {
  const rows = await rowsOf<EventRow>(db, "select * from erase_messages(?, ?::bigint[], ?)", [
    roomId,
    seqs,
    notifyChannelOf(wakeUps),
  ]);
  await publishHeads(db, wakeUps, rows);
  return rows.map((row) => eventOf(row) as RoomErase);
}

/** Whose messages are erased: those of a session, of a trip, or of all sessions of a network. */
export type Culprit = { kind: "member" | "trip" | "network"; value: string };

/** Messages of one room. */
export type MessagesOfRoom = { roomId: number; seqs: number[] };

/**
 * Finds the messages of a culprit that still have a text, in a room or in all rooms, in parts of
 * one commit each. Those of a network are all messages of the sessions that were seen there within
 * the last day.
 */
export async function* findMessagesOf(db: Knex, culprit: Culprit, roomId?: number): AsyncGenerator<MessagesOfRoom> {
  if (culprit.kind === "trip") yield* ofTrip(db, culprit.value, roomId);
  else for (const memberId of await membersOf(db, culprit)) yield* ofMember(db, memberId, roomId);
}

async function membersOf(db: Knex, { kind, value }: Culprit): Promise<string[]> {
  if (kind === "member") return [value];
  const rows = await rowsOf<{ id: string }>(
    db,
    "select distinct member_id as id from sightings where network = ? or wide_network = ?",
    [value, value],
  );
  return rows.map(({ id }) => id);
}

/** Every message has a client id, so the index of those finds a member's messages. */
async function* ofMember(db: Knex, memberId: string, roomId?: number): AsyncGenerator<MessagesOfRoom> {
  for (let after = ""; ; ) {
    const rows = await rowsOf<{ roomId: number; seq: number; clientId: string }>(
      db,
      `select room_id as "roomId", seq, client_id as "clientId" from events
       where member_id = ? and client_id > ? and kind = 'message' and text is not null
         and room_id = coalesce(?, room_id)
       order by client_id limit ?`,
      [memberId, after, roomId ?? null, ERASE_BATCH],
    );
    yield* byRoom(rows);
    if (rows.length < ERASE_BATCH) return;
    after = rows.at(-1)?.clientId as string;
  }
}

/** The log has no index of trips, so it is read in parts, each of which takes some 5 ms. */
async function* ofTrip(db: Knex, trip: string, roomId?: number): AsyncGenerator<MessagesOfRoom> {
  const rooms = await rowsOf<{ id: number; head: number; pruned: number }>(
    db,
    "select id, last_seq as head, pruned_seq as pruned from rooms where id = coalesce(?, id) order by id",
    [roomId ?? null],
  );
  for (const { id, head, pruned } of rooms)
    for (let last = head; last > pruned; last -= SCAN_EVENTS) {
      const rows = await rowsOf<{ roomId: number; seq: number }>(
        db,
        `select room_id as "roomId", seq from events
         where room_id = ? and seq > ? and seq <= ? and kind = 'message' and trip = ? and text is not null order by seq`,
        [id, last - SCAN_EVENTS, last, trip],
      );
      for (let start = 0; start < rows.length; start += ERASE_BATCH)
        yield* byRoom(rows.slice(start, start + ERASE_BATCH));
    }
}

function* byRoom(rows: { roomId: number; seq: number }[]): Generator<MessagesOfRoom> {
  const rooms = new Map<number, number[]>();
  for (const { roomId, seq } of rows) {
    const seqs = rooms.get(roomId);
    if (seqs) seqs.push(seq);
    else rooms.set(roomId, [seq]);
  }
  for (const [roomId, seqs] of rooms) yield { roomId, seqs };
}
