import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Knex } from "knex";
import { LRUCache } from "lru-cache";
import { NODE_FRESH_SECONDS } from "../../db/log/presence.ts";
import { type ListedRoom, listRooms } from "../../db/log/rooms.ts";

/** The list of public rooms. `version` is another one whenever the list is. */
export type RoomList = { rooms: ListedRoom[]; version: string };

/** Reads the list of public rooms. */
export type Lobby = {
  list(): Promise<RoomList>;
  /** Forgets the list after a room was made or a text erased, and ends the waiting for that. */
  forget(): void;
  /** Resolves when the list is forgotten, after `ms` milliseconds, or when `signal` is aborted. */
  untilForgotten(ms: number, signal: AbortSignal): Promise<void>;
  /** Returns whether anybody waits for that. */
  isAwaited(): boolean;
};

/**
 * The list is read no more often than this. With 50,000 rooms and 100,000 people that takes 70 ms.
 */
const LISTED_MS = 1_000;

/** Reads the list at most once a second. Requests during a read wait for its answer. */
export function createLobby(db: Knex): Lobby {
  const kept = new LRUCache<"rooms", RoomList>({
    max: 1,
    ttl: LISTED_MS,
    // A message that was erased must not stay in memory until somebody reads the list.
    ttlAutopurge: true,
    fetchMethod: async () => listOf(await listRooms(db, NODE_FRESH_SECONDS)),
    // A read that is forgotten while it runs still answers the requests before.
    ignoreFetchAbort: true,
  });
  const waiting = new Set<AbortController>();
  return {
    list: async () => (await kept.fetch("rooms")) as RoomList,
    forget() {
      kept.delete("rooms");
      for (const one of waiting) one.abort();
    },
    async untilForgotten(ms, signal) {
      const end = new AbortController();
      waiting.add(end);
      // Either signal ends the pause, and that is no failure.
      await pause(ms, undefined, { ref: false, signal: AbortSignal.any([end.signal, signal]) }).catch(() => undefined);
      waiting.delete(end);
    },
    isAwaited: () => waiting.size > 0,
  };
}

/** Returns a list with its version, which is the same at every node. */
export function listOf(rooms: ListedRoom[]): RoomList {
  const version = createHash("sha256").update(JSON.stringify(rooms)).digest("base64url").slice(0, 10);
  return { rooms, version };
}
