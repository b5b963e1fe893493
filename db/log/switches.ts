import type { Knex } from "knex";
import { prepared, runPrepared } from "../pool/prepared.ts";
import { execute, rowsOf } from "../pool/statement.ts";
import type { WakeUps } from "./wake-ups.ts";

/** The channel that notifies the nodes of new bans and switches. */
export const MODERATION_CHANNEL = "chattera_moderation";

/**
 * The emergency switches of a site. `readOnly`: nobody speaks. `noNewRooms`: nobody makes a room.
 * `speakAfterMinutes`: only sessions of this age speak; 0 means all.
 */
export type Switches = { readOnly: boolean; noNewRooms: boolean; speakAfterMinutes: number };

/**
 * The switches, with the version of switches and bans together, and the time (milliseconds since
 * 1970) since which operators must have signed in.
 */
export type SiteState = Switches & { version: number; operatorsSince: number };

/** Reads the switches. Each node does this twice a second, in 0.1 ms. */
export async function readState(db: Knex): Promise<SiteState> {
  const [state] = await runPrepared<SiteState>(db, STATE, []);
  return state as SiteState;
}

const STATE = prepared(
  `select read_only as "readOnly", no_new_rooms as "noNewRooms", speak_after_minutes as "speakAfterMinutes", version,
     (extract(epoch from operators_since) * 1000)::bigint as "operatorsSince"
   from switches`,
);

/** Changes switches and notifies the nodes. Returns all of them as they are now. */
export async function writeSwitches(db: Knex, wakeUps: WakeUps, changes: Partial<Switches>): Promise<Switches> {
  const { readOnly, noNewRooms, speakAfterMinutes } = changes;
  return changeState(db, wakeUps, async (tx) => {
    const [switches] = await rowsOf<Switches>(
      tx,
      `update switches set read_only = coalesce(?, read_only), no_new_rooms = coalesce(?, no_new_rooms),
         speak_after_minutes = coalesce(?, speak_after_minutes)
       returning read_only as "readOnly", no_new_rooms as "noNewRooms", speak_after_minutes as "speakAfterMinutes"`,
      [readOnly ?? null, noNewRooms ?? null, speakAfterMinutes ?? null],
    );
    return switches as Switches;
  });
}

/** Ends the sign-ins of all operators on all nodes. */
export async function endOperators(db: Knex, wakeUps: WakeUps): Promise<void> {
  await changeState(db, wakeUps, (tx) => execute(tx, "update switches set operators_since = clock_timestamp()"));
}

/**
 * Runs a change of bans or switches in a transaction that raises the version, and notifies the
 * nodes after it.
 */
export async function changeState<Result>(
  db: Knex,
  wakeUps: WakeUps,
  change: (tx: Knex.Transaction) => Promise<Result>,
): Promise<Result> {
  const result = await db.transaction(async (tx) => {
    // The first statement, so that changes wait for each other and cannot deadlock.
    await execute(tx, "update switches set version = version + 1");
    return change(tx);
  });
  await wakeUps.publish(MODERATION_CHANNEL, "");
  return result;
}
