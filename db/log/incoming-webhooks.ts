import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";

/** Addresses of one room. Each program and each team has one of its own. */
const PER_ROOM = 50;

/** An incoming webhook, as lists show it. `usedAt` is null if it was never used. */
export type IncomingWebhook = { id: string; name: string; madeAt: Date; usedAt: Date | null };

/** An incoming webhook to store: with the hash of its key, and the member that makes it. */
export type NewIncomingWebhook = Pick<IncomingWebhook, "id" | "name"> & {
  roomId: number;
  keyHash: string;
  by: string | undefined;
};

/** Stores an incoming webhook. Returns `false` if the room is gone or has too many. */
export async function addIncomingWebhook(
  db: Knex,
  { id, roomId, name, keyHash, by }: NewIncomingWebhook,
): Promise<boolean> {
  const added = await execute(
    db,
    `insert into incoming_webhooks (id, room_id, name, key_hash, by)
     select ?, id, ?, ?, ? from rooms
     where id = ? and inbox_of is null
       and (select count(*) from incoming_webhooks w where w.room_id = rooms.id) < ${PER_ROOM}`,
    [id, name, keyHash, by ?? null, roomId],
  );
  return added > 0;
}

/** Returns the incoming webhooks of a room, the oldest first. */
export function listIncomingWebhooks(db: Knex, roomId: number): Promise<IncomingWebhook[]> {
  return rowsOf<IncomingWebhook>(
    db,
    `select id, name, made_at as "madeAt", used_at as "usedAt" from incoming_webhooks
     where room_id = ? order by made_at, id`,
    [roomId],
  );
}

/** Removes an incoming webhook of a room, whose address is worth nothing from then on. */
export async function removeIncomingWebhook(db: Knex, roomId: number, id: string): Promise<boolean> {
  return (await execute(db, "delete from incoming_webhooks where room_id = ? and id = ?", [roomId, id])) > 0;
}

/** The webhook that a key belongs to, with the name of its room. */
export type FoundIncomingWebhook = { id: string; name: string; roomId: number; slug: string };

/** Finds the webhook with the hash of a key, and notes that it is used. */
export async function findIncomingWebhook(db: Knex, keyHash: string): Promise<FoundIncomingWebhook | undefined> {
  const [found] = await rowsOf<FoundIncomingWebhook>(
    db,
    `with noted as (
       update incoming_webhooks set used_at = now()
       where key_hash = ? and (used_at is null or used_at < now() - interval '1 minute')
     )
     select w.id, w.name, w.room_id as "roomId", r.slug
     from incoming_webhooks w join rooms r on r.id = w.room_id where w.key_hash = ?`,
    [keyHash, keyHash],
  );
  return found;
}
