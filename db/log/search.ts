import type { Knex } from "knex";
import type { RoomEvent } from "../../protocol/event.ts";
import { execute, rowsOf } from "../pool/statement.ts";
import { type EventRow, eventOf } from "./event-row.ts";

/**
 * Messages that were found, the newest first. `rest` is there if older ones were not searched: all
 * of those before its seq, whose message was sent at `at`.
 */
export type FoundMessages = { events: RoomEvent[]; rest?: { before: number; at: string } };

/** A search for messages of a room that contain all words, before a seq. */
export type Search = { roomId: number; words: string[]; before: number; limit: number };

/**
 * Finds the newest messages that contain all words, by the text that they have now. Upper and lower
 * case, and all forms that NFKC makes one, are the same. It ends after BUDGET_MS, and continues
 * with another search before `rest`.
 */
export function searchMessages(db: Knex, { roomId, words, before, limit }: Search): Promise<FoundMessages> {
  return db.transaction(async (tx) => {
    await execute(tx, "select set_config('statement_timeout', ?, true)", [String(STATEMENT_MS)]);
    const patterns = (await foldedWords(tx, words)).map(patternOf);
    const found = await rowsOf<FoundRow>(
      tx,
      `select seq, at, is_match as "isMatch" from search_messages(?, ?::text[], ?, ?, ?)`,
      [roomId, patterns, before, limit, BUDGET_MS],
    );
    const seqs = found.filter(({ isMatch }) => isMatch).map(({ seq }) => seq);
    const end = found.find(({ isMatch }) => !isMatch);
    const events = seqs.length === 0 ? [] : await readMessages(tx, roomId, seqs);
    return { events, ...(end && { rest: { before: end.seq, at: end.at.toISOString() } }) };
  });
}

/** 20,000 Japanese messages of usual length are read in this time on a small machine. */
const BUDGET_MS = 200;

/** A disk may be slow. The pool's own limit of 5 s would leave the statement running. */
const STATEMENT_MS = 3_000;

type FoundRow = { seq: number; at: Date; isMatch: boolean };

/** The database folds the words, too: its lower case depends on how it was created. */
async function foldedWords(db: Knex, words: string[]): Promise<string[]> {
  const rows = await rowsOf<{ word: string }>(
    db,
    "select lower(normalize(word, nfkc)) as word from unnest(?::text[]) as word",
    [words],
  );
  return rows.map(({ word }) => word);
}

/** Returns a pattern of LIKE for texts that contain a word, whose own signs mean nothing. */
function patternOf(word: string): string {
  return `%${word.replace(/[\\%_]/g, "\\$&")}%`;
}

/** Returns the messages with these seqs that still have a text, the newest first. */
async function readMessages(db: Knex, roomId: number, seqs: number[]): Promise<RoomEvent[]> {
  const rows = await rowsOf<EventRow>(
    db,
    `select e.*, r.slug from events e join rooms r on r.id = e.room_id
     where e.room_id = ? and e.seq = any(?::bigint[]) and e.text is not null order by e.seq desc`,
    [roomId, seqs],
  );
  return rows.map(eventOf);
}
