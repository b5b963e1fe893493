import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";

/** The seconds for which a node may send, unless it asks again. */
const LEASE_SECONDS = 30;

/** A room with events that a webhook has not sent: those after `seq`. */
export type UnsentRoom = { id: number; slug: string; seq: number };

/** An event that was given up. */
export type WebhookFailure = { room: string; seq: number; error: string; at: Date };

/** Adds a webhook, which begins at the heads of all rooms, unless it is there. */
export async function addWebhook(db: Knex, webhook: string): Promise<void> {
  await db.transaction(async (tx) => {
    const added = await execute(tx, "insert into webhooks (id) values (?) on conflict do nothing", [webhook]);
    if (added === 0) return;
    await execute(
      tx,
      `insert into webhook_positions (webhook, room_id, seq)
       select ?, id, last_seq from rooms where inbox_of is null`,
      [webhook],
    );
  });
}

/** Has this node send for the next 30 s. Returns `false` if another node does. */
export async function takeWebhook(db: Knex, webhook: string, node: string): Promise<boolean> {
  const taken = await execute(
    db,
    `update webhooks set sender = ?, until = now() + ? * interval '1 second'
     where id = ? and (sender is null or sender = ? or until < now())`,
    [node, LEASE_SECONDS, webhook, node],
  );
  return taken > 0;
}

/** Lets another node send. */
export async function leaveWebhook(db: Knex, webhook: string, node: string): Promise<void> {
  await execute(db, "update webhooks set sender = null, until = null where id = ? and sender = ?", [webhook, node]);
}

/**
 * Returns rooms with events that a webhook has not sent, at most 100: among these rooms, or among
 * all, and without the rooms in `except`.
 */
export function findUnsent(
  db: Knex,
  webhook: string,
  { among, except }: { among: number[] | undefined; except: number[] },
): Promise<UnsentRoom[]> {
  return rowsOf<UnsentRoom>(
    db,
    `select r.id, r.slug, coalesce(p.seq, 0) as seq
     from rooms r left join webhook_positions p on p.room_id = r.id and p.webhook = ?
     where r.inbox_of is null and r.last_seq > greatest(coalesce(p.seq, 0), r.pruned_seq)
       and (?::int[] is null or r.id = any(?::int[])) and r.id <> all(?::int[]) limit 100`,
    [webhook, among ?? null, among ?? null, except],
  );
}

/** Notes that a webhook has sent the events of a room up to a seq. */
export async function noteSent(db: Knex, webhook: string, { id, seq }: Pick<UnsentRoom, "id" | "seq">): Promise<void> {
  await execute(
    db,
    `insert into webhook_positions (webhook, room_id, seq) select ?, id, ? from rooms where id = ?
     on conflict (webhook, room_id) do update set seq = greatest(webhook_positions.seq, excluded.seq)`,
    [webhook, seq, id],
  );
}

/** Keeps the number of an event that was given up. */
export async function addFailure(
  db: Knex,
  webhook: string,
  { room, seq, error }: Omit<WebhookFailure, "at">,
): Promise<void> {
  await execute(db, "insert into webhook_failures (webhook, room, seq, error) values (?, ?, ?, ?)", [
    ...[webhook, room, seq, error],
  ]);
}

/** Returns the events that were given up, the last ones first, at most 1,000. */
export function listFailures(db: Knex, webhook: string): Promise<WebhookFailure[]> {
  return rowsOf<WebhookFailure>(
    db,
    "select room, seq, error, at from webhook_failures where webhook = ? order by id desc limit 1000",
    [webhook],
  );
}
