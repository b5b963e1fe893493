import type { Knex } from "knex";
import type { WakeUps } from "./wake-ups.ts";

/** The channel on which a revocation is published, as `memberId milliseconds`. */
export const REVOCATION_CHANNEL = "chattera_revoked";

/** A member's tokens that were issued until `before` (milliseconds since 1970) are not taken. */
export type Revocation = { memberId: string; before: number };

/** Stores a revocation and publishes it; every node that is asked from then on finds it. */
export async function writeRevocation(db: Knex, wakeUps: WakeUps, { memberId, before }: Revocation): Promise<void> {
  await db.raw(
    `insert into revocations (member_id, before) values (?, to_timestamp(? / 1000.0))
     on conflict (member_id) do update set before = greatest(revocations.before, excluded.before)`,
    [memberId, before],
  );
  await wakeUps.tell(REVOCATION_CHANNEL, `${memberId} ${before}`);
}

/** Returns the revocations of the last `days` days; a token from before then has expired anyway. */
export async function readRevocations(db: Knex, days: number): Promise<Revocation[]> {
  const { rows } = await db.raw<{ rows: Revocation[] }>(
    `select member_id as "memberId", (extract(epoch from before) * 1000)::bigint as before
     from revocations where before > now() - make_interval(days => ?)`,
    [days],
  );
  return rows;
}

/** Deletes revocations of tokens that have expired. */
export async function pruneRevocations(db: Knex, days: number): Promise<void> {
  await db.raw("delete from revocations where before < now() - make_interval(days => ?)", [days]);
}
