import type { Knex } from "knex";
import { leaveRooms, type Place } from "./members.ts";

/** Has members leave rooms; resolves when they have. */
export type Leave = (places: Place[]) => Promise<void>;

type Waiting = { places: Place[]; resolve(): void; reject(error: unknown): void };

/** Leaves in one transaction, which takes some 10 ms. */
const BATCH = 200;

/**
 * One transaction at a time: while it is under way, those who want to leave wait and share the next, so that a crowd
 * that leaves takes one database connection and not all.
 */
export function createLeave(db: Knex): Leave {
  let waiting: Waiting[] = [];
  let underWay = false;

  return (places) =>
    new Promise((resolve, reject) => {
      waiting.push({ places, resolve, reject });
      if (!underWay) void run();
    });

  async function run(): Promise<void> {
    underWay = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
      await leaveTogether(db, batch);
    }
    underWay = false;
  }
}

async function leaveTogether(db: Knex, batch: Waiting[]): Promise<void> {
  try {
    const places = batch.flatMap((one) => one.places);
    await leaveRooms(db, places);
    for (const one of batch) one.resolve();
  } catch (error) {
    for (const one of batch) one.reject(error);
  }
}
