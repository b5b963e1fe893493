import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";
import type { WakeUps } from "./wake-ups.ts";

/** The channel on which a revocation is published, as `memberId milliseconds`. */
export const REVOCATION_CHANNEL = "chattera_revoked";

/** Rejects a member's tokens that were issued until `before` (milliseconds since 1970). */
export type Revocation = { memberId: string; before: number };

/** Stores a revocation and publishes it. From then on, every node that reads the table finds it. */
export async function writeRevocation(db: Knex, wakeUps: WakeUps, { memberId, before }: Revocation): Promise<void> {
  await execute(
    db,
    `insert into revocations (member_id, before) values (?, to_timestamp(? / 1000.0))
     on conflict (member_id) do update set before = greatest(revocations.before, excluded.before)`,
    [memberId, before],
  );
  await wakeUps.publish(REVOCATION_CHANNEL, `${memberId} ${before}`);
}

/** Returns the revocations of the last `days` days. Older tokens have expired anyway. */
export function readRevocations(db: Knex, days: number): Promise<Revocation[]> {
  return rowsOf<Revocation>(
    db,
    `select member_id as "memberId", (extract(epoch from before) * 1000)::bigint as before
     from revocations where before > now() - make_interval(days => ?)`,
    [days],
  );
}

/** Deletes revocations of tokens that have expired. */
export async function pruneRevocations(db: Knex, days: number): Promise<void> {
  await execute(db, "delete from revocations where before < now() - make_interval(days => ?)", [days]);
}
