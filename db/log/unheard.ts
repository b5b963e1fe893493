import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";
import type { Culprit } from "./erase.ts";

/** A message of a person who is silenced secretly. It is in no log. */
export type UnheardMessage = { id: number; afterSeq: number; at: string; text: string; isNew: boolean };

/**
 * Stores a message of a person who is silenced secretly. The same client id again returns the first
 * message.
 */
export async function writeUnheard(
  db: Knex,
  { roomId, memberId, clientId, text }: { roomId: number; memberId: string; clientId: string; text: string },
): Promise<UnheardMessage> {
  const [row] = await rowsOf<Omit<UnheardMessage, "at"> & { at: Date }>(
    db,
    `insert into unheard (room_id, member_id, client_id, text, after_seq)
     select id, ?, ?, ?, last_seq from rooms where id = ?
     on conflict (member_id, client_id) do update set client_id = excluded.client_id
     returning id, after_seq as "afterSeq", at, text, xmax = 0 as "isNew"`,
    [memberId, clientId, text, roomId],
  );
  if (row === undefined) throw new Error(`there is no room ${roomId}`);
  return { ...row, at: row.at.toISOString() };
}

/** Deletes the messages of a culprit, in a room or everywhere. Returns their number. */
export function eraseUnheard(db: Knex, { kind, value }: Culprit, roomId?: number): Promise<number> {
  // Trips are not stored with these messages; their authors' sessions are banned one by one.
  if (kind === "trip") return Promise.resolve(0);
  return execute(
    db,
    `delete from unheard u where u.room_id = coalesce(?, u.room_id) and case ?
       when 'member' then u.member_id = ?
       else exists (select from sightings s where s.member_id = u.member_id and ? in (s.network, s.wide_network))
     end`,
    [roomId ?? null, kind, value, value],
  );
}

/** Deletes the messages that are older than `hours`. */
export async function pruneUnheard(db: Knex, hours: number): Promise<void> {
  await execute(db, "delete from unheard where at < now() - make_interval(hours => ?)", [hours]);
}
