import type { Knex } from "knex";
import { prepared, runPrepared } from "../pool/prepared.ts";
import { isCollision } from "./append.ts";
import { type EventRow, eventOf, type Stored } from "./event-row.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/**
 * A change of the message with the seq `target`. `memberId` is the author who asks for it. With
 * `clientId`, a resend of an edit is harmless even after a later edit.
 */
export type MessageChange = {
  roomId: number;
  target: number;
  memberId: string;
  kind: "edit" | "erase";
  text?: string;
  clientId?: string | undefined;
};

/**
 * The reason why a message was not changed. `unknown`: there is no such message, or it was erased.
 * `foreign`: somebody else wrote it. `late`: the time for changes has passed.
 */
export type ChangeRefusal = "unknown" | "foreign" | "late";

/**
 * Edits or erases a message within `minutes` after it was sent, and appends the event. This is one
 * statement, see db/sql/change_message.sql. A change that was made already returns its event.
 */
export async function changeMessage(
  db: Knex,
  change: MessageChange,
  { minutes, wakeUps }: { minutes: number; wakeUps?: WakeUps | undefined },
): Promise<Stored | ChangeRefusal> {
  const { roomId, target, memberId, kind, text, clientId } = change;
  const bindings = [roomId, target, memberId, kind, text ?? null, clientId ?? null, minutes, notifyChannelOf(wakeUps)];
  // If this author stores another event under the same id in another room at this moment, the
  // second attempt finds that one.
  const [row] = await runPrepared<ChangeRow>(db, CHANGE, bindings).catch((error) => {
    if (!isCollision(error)) throw error;
    return runPrepared<ChangeRow>(db, CHANGE, bindings);
  });
  if (row === undefined) return "unknown";
  if (row.outcome !== "changed" && row.outcome !== "known") return row.outcome;
  const isNew = row.outcome === "changed";
  if (isNew) await publishHeads(db, wakeUps, [row]);
  return { roomId: row.room_id, event: eventOf(row), isNew };
}

type ChangeRow = EventRow & { outcome: "changed" | "known" | ChangeRefusal };

const CHANGE = prepared("select * from change_message(?, ?, ?, ?, ?, ?, ?, ?)");

/** A room in which a message or a name was changed, and the seq of the latest change. */
export type ChangedRoom = { roomId: number; seq: number };

/**
 * Returns the rooms in which messages were changed within the last `seconds`, by the database's
 * clock.
 */
export function readChangedRooms(db: Knex, seconds: number): Promise<ChangedRoom[]> {
  return runPrepared<ChangedRoom>(db, CHANGED_ROOMS, [seconds]);
}

const CHANGED_ROOMS = prepared(
  `select room_id as "roomId", max(seq) as seq from events
   where kind in ('edit', 'erase', 'unname') and at > now() - ? * interval '1 second' group by room_id`,
);
