import type { Knex } from "knex";
import type { RoomErase } from "../../protocol/event.ts";
import { SAID_KINDS } from "../../protocol/line.ts";
import { rowsOf } from "../pool/statement.ts";
import { type EventRow, eventOf } from "./event-row.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/** Messages erased in one commit, which takes some 10 ms. */
const ERASE_BATCH = 100;

/** Events of a room's log that one query reads while it looks for the messages of a trip. */
const SCAN_EVENTS = 10_000;

/**
 * Erases messages and notices of a room, or whispers of an inbox, on behalf of a moderator, and
 * appends an event for each. This is one statement, see db/sql/erase_messages.sql. Returns the
 * events; none for what is erased already.
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

/** Messages and notices of one room, or whispers of one inbox. */
export type MessagesOfRoom = { roomId: number; seqs: number[]; isInbox: boolean };

/**
 * Finds the messages, notices and whispers of a culprit that still have a text, in a room or in all
 * rooms, in parts of one commit each. Those of a network are all of the sessions that were seen
 * there within the last day. A whisper is found in both inboxes.
 */
export async function* findMessagesOf(db: Knex, culprit: Culprit, roomId?: number): AsyncGenerator<MessagesOfRoom> {
  if (culprit.kind === "trip") yield* ofTrip(db, culprit.value, roomId);
  else for (const memberId of await membersOfCulprit(db, culprit)) yield* ofMember(db, memberId, roomId);
}

/**
 * Returns the sessions of a culprit: of a trip, those that have written with it in a room, or in
 * any.
 */
export async function membersOfCulprit(db: Knex, { kind, value }: Culprit, roomId?: number): Promise<string[]> {
  if (kind === "member") return [value];
  if (kind === "trip") return membersOfTrip(db, value, roomId);
  const rows = await rowsOf<{ id: string }>(
    db,
    "select distinct member_id as id from sightings where network = ? or wide_network = ?",
    [value, value],
  );
  return rows.map(({ id }) => id);
}

type FoundRow = { roomId: number; seq: number; isInbox: boolean };

/**
 * Every message has a client id, so the index of those finds a member's messages. The rest has
 * none: notices about settings, and the copies of whispers in the inboxes of their receivers.
 */
async function* ofMember(db: Knex, memberId: string, roomId?: number): AsyncGenerator<MessagesOfRoom> {
  yield* withoutClientId(db, memberId, roomId);
  for (let after = ""; ; ) {
    const rows = await rowsOf<FoundRow & { clientId: string }>(
      db,
      `select e.room_id as "roomId", e.seq, e.client_id as "clientId", r.inbox_of is not null as "isInbox"
       from events e join rooms r on r.id = e.room_id
       where e.member_id = ? and e.client_id > ? and e.kind = any(?::text[]) and e.text is not null
         and coalesce(r.parent_id, r.id) = coalesce(?, r.parent_id, r.id)
       order by e.client_id limit ?`,
      [memberId, after, SAID_KINDS, roomId ?? null, ERASE_BATCH],
    );
    yield* byRoom(rows);
    if (rows.length < ERASE_BATCH) return;
    after = rows.at(-1)?.clientId as string;
  }
}

/**
 * The index has no order, so each query reads all of the member's events without a client id. Their
 * places are few bytes, so it returns many at once.
 */
async function* withoutClientId(db: Knex, memberId: string, roomId?: number): AsyncGenerator<MessagesOfRoom> {
  for (let after: Omit<FoundRow, "isInbox"> = { roomId: 0, seq: 0 }; ; ) {
    const rows = await rowsOf<FoundRow>(
      db,
      `with found as materialized (
         select e.room_id as "roomId", e.seq, r.inbox_of is not null as "isInbox"
         from events e join rooms r on r.id = e.room_id
         where e.member_id = ? and e.client_id is null and e.kind = any(?::text[]) and e.text is not null
           and coalesce(r.parent_id, r.id) = coalesce(?, r.parent_id, r.id)
       )
       select * from found where ("roomId", seq) > (?, ?) order by "roomId", seq limit ?`,
      [memberId, SAID_KINDS, roomId ?? null, after.roomId, after.seq, SCAN_EVENTS],
    );
    yield* inBatches(rows);
    if (rows.length < SCAN_EVENTS) return;
    after = rows.at(-1) as FoundRow;
  }
}

/** The log has no index of trips, so it is read in parts, each of which takes some 5 ms. */
async function* ofTrip(db: Knex, trip: string, roomId?: number): AsyncGenerator<MessagesOfRoom> {
  for await (const { id, isInbox, first, last } of partsOfLogs(db, roomId)) {
    const rows = await rowsOf<Omit<FoundRow, "isInbox">>(
      db,
      `select room_id as "roomId", seq from events
       where room_id = ? and seq > ? and seq <= ? and kind = any(?::text[]) and trip = ? and text is not null
       order by seq`,
      [id, first, last, SAID_KINDS, trip],
    );
    yield* inBatches(rows.map((row) => ({ ...row, isInbox })));
  }
}

async function membersOfTrip(db: Knex, trip: string, roomId?: number): Promise<string[]> {
  const members = new Set<string>();
  for await (const { id, first, last } of partsOfLogs(db, roomId)) {
    const rows = await rowsOf<{ id: string }>(
      db,
      "select distinct member_id as id from events where room_id = ? and seq > ? and seq <= ? and trip = ?",
      [id, first, last, trip],
    );
    for (const row of rows) members.add(row.id);
  }
  for (const { id } of await rowsOf<{ id: string }>(db, "select member_id as id from members where trip = ?", [trip]))
    members.add(id);
  return [...members];
}

type PartOfLog = { id: number; isInbox: boolean; first: number; last: number };

/** Returns the logs of a room and its inboxes, or of all, in parts, the newest first. */
async function* partsOfLogs(db: Knex, roomId?: number): AsyncGenerator<PartOfLog> {
  const rooms = await rowsOf<{ id: number; head: number; pruned: number; isInbox: boolean }>(
    db,
    `select id, last_seq as head, pruned_seq as pruned, inbox_of is not null as "isInbox" from rooms
     where coalesce(parent_id, id) = coalesce(?, parent_id, id) order by id`,
    [roomId ?? null],
  );
  for (const { id, head, pruned, isInbox } of rooms)
    for (let last = head; last > pruned; last -= SCAN_EVENTS) yield { id, isInbox, first: last - SCAN_EVENTS, last };
}

/** Divides what was found into parts of one commit each. */
function* inBatches(rows: FoundRow[]): Generator<MessagesOfRoom> {
  for (let start = 0; start < rows.length; start += ERASE_BATCH) yield* byRoom(rows.slice(start, start + ERASE_BATCH));
}

function* byRoom(rows: FoundRow[]): Generator<MessagesOfRoom> {
  const rooms = new Map<number, MessagesOfRoom>();
  for (const { roomId, seq, isInbox } of rows) {
    const known = rooms.get(roomId);
    if (known) known.seqs.push(seq);
    else rooms.set(roomId, { roomId, seqs: [seq], isInbox });
  }
  yield* rooms.values();
}
