import type { PingSignal, PollAnswer, ResetSignal, RoomEvent } from "../../../protocol/event.ts";
import { inboxOf, isInbox, roomOfLog } from "../../../protocol/inbox.ts";
import { without } from "../base/list.ts";

/**
 * How far a room is read, and the reader's inbox there: a cursor to go on from, "" for "from now
 * on", and the last seq of each, -1 if it is not known. `inboxCursor` is the inbox's, if it is
 * another one.
 */
export type Position = { room: string; cursor: string; seq: number; whispers?: number; inboxCursor?: string };

/** `dropped` is the last event that came after a gap and was not taken. */
type Row = { room: string; cursor: string; seq: number; dropped: number };

/**
 * How far each log is read: a room, followed by the reader's inbox there. All events pass here, so
 * that each is taken once and in order.
 */
export type Ledger = { rows: Row[] };

/** A seq that a server has sent, so that it has to arrive. */
export type Head = { room: string; seq: number };

/** The result of taking a frame. */
export type Taken = {
  /** Whether a room has moved on. */
  isNew: boolean;
  /** Set if the room cannot be continued; the application gets it before the events. */
  reset: ResetSignal | undefined;
  events: RoomEvent[];
  /** A stream has left something out, which only the log has. */
  hasGap: boolean;
  heads: Head[];
};

/** Creates a ledger that begins at these positions. */
export function createLedger(positions: Position[]): Ledger {
  const ledger: Ledger = { rows: [] };
  for (let i = 0; i < positions.length; i++) follow(ledger, positions[i] as Position);
  return ledger;
}

/** Adds a room and its inbox, or moves them to this position. */
export function follow(ledger: Ledger, { room, cursor, seq, whispers = -1, inboxCursor = cursor }: Position): void {
  unfollow(ledger, room);
  ledger.rows = ledger.rows.concat([
    { room, cursor, seq, dropped: -1 },
    { room: inboxOf(room), cursor: inboxCursor, seq: whispers, dropped: -1 },
  ]);
}

/** Removes a room and its inbox. Their signals and events are dropped from now on. */
export function unfollow(ledger: Ledger, room: string): void {
  const row = find(ledger, room);
  const inbox = find(ledger, inboxOf(room));
  if (row !== undefined) ledger.rows = without(ledger.rows, row);
  if (inbox !== undefined) ledger.rows = without(ledger.rows, inbox);
}

/** Returns the position in a room, which another ledger can begin at. */
export function positionOf(ledger: Ledger, room: string): Position | undefined {
  const row = find(ledger, room);
  const inbox = find(ledger, inboxOf(room));
  if (row === undefined || inbox === undefined) return undefined;
  return { room, cursor: row.cursor, seq: row.seq, whispers: inbox.seq, inboxCursor: inbox.cursor };
}

/** Returns the rooms, in the order in which they were followed. */
export function roomsOf(ledger: Ledger): string[] {
  const rooms: string[] = [];
  const logs = logsOf(ledger);
  for (let i = 0; i < logs.length; i++) if (!isInbox(logs[i] as string)) rooms.push(logs[i] as string);
  return rooms;
}

/** Returns the rooms, each followed by its inbox. */
export function logsOf({ rows }: Ledger): string[] {
  const logs: string[] = [];
  for (let i = 0; i < rows.length; i++) logs.push((rows[i] as Row).room);
  return logs;
}

/** Returns the cursors to go on from, each once. */
export function cursorsOf({ rows }: Ledger): string[] {
  const cursors: string[] = [];
  for (let i = 0; i < rows.length; i++) {
    const { cursor } = rows[i] as Row;
    if (cursor !== "" && !has(cursors, cursor)) cursors.push(cursor);
  }
  return cursors;
}

/** Whether a room is followed. */
export function follows(ledger: Ledger, room: string): boolean {
  return find(ledger, room) !== undefined;
}

/** Returns the last seq of a room that was taken, -1 if it is not known. */
export function seqOf(ledger: Ledger, room: string): number {
  const row = find(ledger, room);
  return row === undefined ? -1 : row.seq;
}

/**
 * Takes an event of a stream that was opened with the cursors `asked`; `cursor` is behind it, or
 * "".
 */
export function takeEvent(
  ledger: Ledger,
  { data: event, cursor }: { data: RoomEvent; cursor: string },
  asked: string[],
): Taken {
  const row = find(ledger, event.room);
  const taken = take(row, event, asked);
  if (row === undefined) return taken;
  // Behind this cursor is what was dropped of any log, too.
  if (taken.isNew && cursor !== "" && !hasDropped(ledger)) moveOn(ledger, row, cursor);
  // The event comes again with those before it: the client can only ask for the log after its
  // cursor.
  if (taken.hasGap) row.dropped = event.seq;
  return taken;
}

/**
 * Takes an event of a poll's answer. An event after a gap is taken too: the log that was asked
 * begins there.
 */
export function takeAnswered(ledger: Ledger, event: RoomEvent, asked: string[]): Taken {
  const row = find(ledger, event.room);
  const taken = take(row, event, asked);
  // A poll that asked from elsewhere shows no gap.
  if (row === undefined || !taken.hasGap || !continues(row, asked)) return taken;
  const { room, seq } = event;
  const reset: ResetSignal = { room, reason: "pruned", cursor: "", oldest: seq, head: seq };
  row.seq = seq;
  row.dropped = -1;
  return took({ isNew: true, reset, events: [event] });
}

/** Takes the signal that the cursors `asked` cannot be continued. */
export function takeReset(ledger: Ledger, reset: ResetSignal, asked: string[]): Taken {
  const row = find(ledger, reset.room);
  if (row === undefined) return took({});
  if (isInbox(reset.room) && row.cursor === reset.cursor && !continues(row, asked)) {
    // The room of this inbox was reset just before.
    row.seq = seqAfter(reset);
    return took({});
  }
  // This client has moved on since it asked. Only the log knows whether it can be continued from
  // here.
  if (!continues(row, asked)) return took({ hasGap: row.cursor !== reset.cursor });
  // Next to rooms that have cursors, a room that is read from now on looks like one that cannot be
  // continued.
  const wasUnread = row.cursor === "";
  row.cursor = reset.cursor;
  row.seq = seqAfter(reset);
  const inbox = find(ledger, inboxOf(reset.room));
  if (inbox !== undefined && reset.reason !== "pruned") {
    // Of another log, which need not have this inbox. If it has, its own reset follows.
    inbox.cursor = reset.cursor;
    inbox.seq = 0;
    inbox.dropped = -1;
  }
  if (wasUnread) return took({ isNew: true });
  row.dropped = -1;
  return took({ isNew: true, reset });
}

/**
 * Returns the seq from which a room is read on after a reset: what was pruned is skipped, anything
 * else is skipped up to the head.
 */
export function seqAfter({ reason, oldest, head }: ResetSignal): number {
  return reason === "pruned" ? oldest - 1 : head;
}

/** Takes what a ping says of the rooms. */
export function takePing(ledger: Ledger, { heads }: PingSignal): Taken {
  const taken = took({});
  for (const room in heads) {
    // Before the first event of a room, it is not known what was shown of it.
    if (seqOf(ledger, room) >= 0) taken.heads.push({ room, seq: heads[room] as number });
  }
  // The question about the gap has failed, and no event came that would ask again.
  taken.hasGap = hasDropped(ledger);
  return taken;
}

/** Moves the cursors behind an answer, if all of its events were taken. */
export function settle(ledger: Ledger, { events, cursor }: PollAnswer): void {
  for (let i = 0; i < events.length; i++) {
    const { room, seq } = events[i] as RoomEvent;
    const row = find(ledger, room);
    // The server goes on at the farthest of several cursors, in each log.
    if (row !== undefined && row.seq < seq) return;
  }
  for (let i = 0; i < events.length; i++) {
    const { room, seq } = events[i] as RoomEvent;
    const row = find(ledger, room);
    // If another connection has gone farther meanwhile, this cursor is an old one.
    if (row === undefined || row.seq !== seq) continue;
    if (hasEventOf(events, otherLog(room))) row.cursor = cursor;
    else moveOn(ledger, row, cursor);
  }
}

function hasEventOf(events: RoomEvent[], log: string): boolean {
  for (let i = 0; i < events.length; i++) if ((events[i] as RoomEvent).room === log) return true;
  return false;
}

/** Whether an event has come after a gap, and those before it have not come yet. */
function hasDropped({ rows }: Ledger): boolean {
  for (let i = 0; i < rows.length; i++) {
    const { seq, dropped } = rows[i] as Row;
    if (dropped > seq) return true;
  }
  return false;
}

/** Returns the inbox of a room, or the room of an inbox. */
function otherLog(log: string): string {
  return isInbox(log) ? roomOfLog(log) : inboxOf(log);
}

/**
 * Moves a row to a cursor, which holds the other log of the same room too. Unless the connection
 * has left something out there, that one goes on from the same cursor, so one is enough to ask
 * with.
 */
function moveOn(ledger: Ledger, row: Row, cursor: string): void {
  row.cursor = cursor;
  const other = find(ledger, otherLog(row.room));
  if (other !== undefined && other.cursor !== "" && other.dropped <= other.seq) other.cursor = cursor;
}

/**
 * Begins rooms without a cursor at this one, which was given to a connection that asked without
 * any.
 */
export function begin({ rows }: Ledger, cursor: string): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as Row;
    if (row.cursor === "") row.cursor = cursor;
  }
}

function took(what: Partial<Taken>): Taken {
  return { isNew: false, reset: undefined, events: [], hasGap: false, heads: [], ...what };
}

function take(row: Row | undefined, event: RoomEvent, asked: string[]): Taken {
  if (row === undefined) return took({});
  // Before the first event, only a connection that continues the row begins where the row does.
  const hasGap = row.seq < 0 ? !continues(row, asked) : event.seq > row.seq + 1;
  if (hasGap || event.seq <= row.seq) return took({ hasGap });
  row.seq = event.seq;
  return took({ isNew: true, events: [event] });
}

/** Whether a connection that asked with these cursors continues the row. */
function continues(row: Row, asked: string[]): boolean {
  return row.cursor === "" || has(asked, row.cursor);
}

function find({ rows }: Ledger, room: string): Row | undefined {
  for (let i = 0; i < rows.length; i++) if ((rows[i] as Row).room === room) return rows[i];
  return undefined;
}

function has(texts: string[], text: string): boolean {
  for (let i = 0; i < texts.length; i++) if (texts[i] === text) return true;
  return false;
}
