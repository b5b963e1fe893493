import type { Knex } from "knex";
import { type ChangeRefusal, changeMessage, type MessageChange } from "../../db/log/change.ts";
import type { WakeUps } from "../../db/log/wake-ups.ts";
import type { RoomEdit, RoomErase } from "../../protocol/event.ts";
import { type RefusalCode, refuse } from "../refusal.ts";

/** The part of a site that changes of messages need. */
type ChangingSite = { db: Knex; wakeUps: WakeUps; config: { editMinutes: number } };

/** The event of a change, and whether this request stored it. */
export type Changed = { event: RoomEdit | RoomErase; isNew: boolean };

/**
 * Edits or erases a message and resolves once that is durable. The same change again returns the
 * first event. Throws `no_such_message`, `not_yours` and `too_late`.
 */
export async function change({ db, wakeUps, config }: ChangingSite, asked: MessageChange): Promise<Changed> {
  const stored = await changeMessage(db, asked, { minutes: config.editMinutes, wakeUps });
  if (typeof stored === "string") throw refuse(REFUSED[stored]);
  const { event, isNew } = stored;
  if (event.kind !== asked.kind || event.target !== asked.target)
    throw refuse("malformed", "id: the id of another event");
  return { event, isNew };
}

const REFUSED: { [reason in ChangeRefusal]: RefusalCode } = {
  unknown: "no_such_message",
  foreign: "not_yours",
  late: "too_late",
};
