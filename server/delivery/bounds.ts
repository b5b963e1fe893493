import type { Knex } from "knex";
import { readBounds } from "../../db/log/rooms.ts";
import type { Tail } from "./tail.ts";

/** First kept and last seq of a room. */
export type Bounds = { head: number; oldest: number };

/**
 * Asks the log for a room's bounds, one question at a time a room: who asks while one is under way shares the next with
 * all who do, for the one under way may not know yet what he knows. A crowd of thousands is a few questions.
 */
export function createBounds(db: Knex): (tail: Tail) => Promise<Bounds> {
  const underWay = new Map<number, Promise<Bounds>>();
  const next = new Map<number, Promise<Bounds>>();

  return (tail) => {
    const current = underWay.get(tail.id);
    if (current === undefined) return ask(tail.id);
    const known = next.get(tail.id);
    if (known !== undefined) return known;
    const asking = current.then(ignore, ignore).then(() => {
      next.delete(tail.id);
      return ask(tail.id);
    });
    next.set(tail.id, asking);
    return asking;
  };

  function ask(roomId: number): Promise<Bounds> {
    const asking = readBounds(db, roomId)
      .then((bounds) => bounds ?? { head: 0, oldest: 1 })
      .finally(() => underWay.delete(roomId));
    underWay.set(roomId, asking);
    return asking;
  }
}

function ignore(): void {}
