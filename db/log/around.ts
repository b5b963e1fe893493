import type { Knex } from "knex";
import type { RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { rowsOf } from "../pool/statement.ts";
import { readPage, readTalk, type Talk } from "./read.ts";

/** A part of a room's log. `isNewest` if nothing had followed it when it was read. */
export type TalkAround = Talk & { isNewest: boolean };

/** An event of a room, and how many messages to read before and after it. */
export type Place = { roomId: number; seq: number; before: number; after: number };

/** Returns an event with the messages around it, and all other events between them. */
export async function readAround(db: Knex, { roomId, seq, before, after }: Place): Promise<TalkAround> {
  // One more than the page has, which shows whether anything follows it.
  const following = await rowsOf<{ seq: number }>(
    db,
    `select seq from events where room_id = ? and seq > ? and kind in ('message', 'notice') order by seq limit ?`,
    [roomId, seq, after + 1],
  );
  const next = following[after]?.seq;
  const isNewest = next === undefined;
  const talk = await readTalk(db, {
    roomId,
    messages: before + 1 + Math.min(following.length, after),
    ...(!isNewest && { before: next }),
  });
  if (!talk.skipped.some((run) => isWithin(run, seq))) return { ...talk, isNewest };
  const [event] = await readPage(db, { roomId, after: seq - 1, limit: 1, bytes: 1 });
  return { ...(event === undefined ? talk : withEvent(talk, event)), isNewest };
}

/** Returns the event with this seq, if the log still has it. */
export async function readEvent(db: Knex, roomId: number, seq: number): Promise<RoomEvent | undefined> {
  const [event] = await readPage(db, { roomId, after: seq - 1, limit: 1, bytes: 1 });
  return event?.seq === seq ? event : undefined;
}

/** Returns the seq of the first event at a moment or later; see db/sql/seq_at.sql. */
export async function findSeqAt(db: Knex, roomId: number, moment: Date): Promise<number | undefined> {
  const [row] = await rowsOf<{ seq: number | null }>(db, "select seq_at(?, ?::timestamptz) as seq", [
    roomId,
    moment.toISOString(),
  ]);
  return row?.seq ?? undefined;
}

/** Returns the seq of the first message that was sent at a moment or later, and is not erased. */
export async function findMessageAt(db: Knex, roomId: number, moment: Date): Promise<number | undefined> {
  const first = await findSeqAt(db, roomId, moment);
  if (first === undefined) return undefined;
  const [row] = await rowsOf<{ seq: number }>(
    db,
    `select seq from events where room_id = ? and seq >= ? and kind = 'message' and text is not null
     order by seq limit 1`,
    [roomId, first],
  );
  return row?.seq;
}

function isWithin({ first, last }: SkippedRun, seq: number): boolean {
  return first <= seq && seq <= last;
}

/** Adds an event that a page leaves out. */
function withEvent({ events, skipped }: Talk, event: RoomEvent): Talk {
  const { seq } = event;
  return {
    events: [...events, event].sort((a, b) => a.seq - b.seq),
    skipped: skipped.flatMap((run) => {
      if (!isWithin(run, seq)) return [run];
      const parts = [
        { first: run.first, last: seq - 1 },
        { first: seq + 1, last: run.last },
      ];
      return parts.filter(({ first, last }) => first <= last);
    }),
  };
}
