import type { Knex } from "knex";
import { LRUCache } from "lru-cache";
import { NODE_FRESH_SECONDS } from "../../db/log/presence.ts";
import { type ListedRoom, listRooms } from "../../db/log/rooms.ts";

/** The list of public rooms. */
export type Lobby = {
  rooms(): Promise<ListedRoom[]>;
  /** Forgets the list after a room was made here, so that the next reader gets it. */
  forget(): void;
};

/**
 * The list is read no more often than this. With 50,000 rooms and 100,000 people that takes 60 ms.
 */
const LISTED_MS = 1_000;

/** Reads the list at most once a second. Requests during a read wait for its answer. */
export function createLobby(db: Knex): Lobby {
  const kept = new LRUCache<"rooms", ListedRoom[]>({
    max: 1,
    ttl: LISTED_MS,
    fetchMethod: () => listRooms(db, NODE_FRESH_SECONDS),
    // A read that is forgotten while it runs still answers the requests before.
    ignoreFetchAbort: true,
  });
  return {
    rooms: async () => (await kept.fetch("rooms")) as ListedRoom[],
    forget: () => void kept.delete("rooms"),
  };
}
