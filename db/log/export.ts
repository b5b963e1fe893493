import type { Knex } from "knex";
import { rowsOf } from "../pool/statement.ts";

/**
 * A room with what its file contains. It has the events after `pruned`, up to `head`. Keys,
 * networks and passwords are left out.
 */
export type RoomToExport = {
  roomId: number;
  slug: string;
  title: string;
  public: boolean;
  silent: boolean;
  showsWords: boolean;
  description: string;
  /** The settings that differ from those of a new room. */
  rules: { [name: string]: unknown };
  /** The room has a password, which is not exported. */
  hasPassword: boolean;
  pruned: number;
  head: number;
};

/** Returns the room with this slug. */
export async function findExported(db: Knex, slug: string): Promise<RoomToExport | undefined> {
  const [room] = await rowsOf<RoomToExport>(
    db,
    `select id as "roomId", slug, title, public, silent, shows_words as "showsWords", description,
       settings as rules, password is not null as "hasPassword", pruned_seq as pruned, last_seq as head
     from rooms where slug = ? and inbox_of is null`,
    [slug],
  );
  return room;
}
