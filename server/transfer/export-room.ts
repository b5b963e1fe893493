import type { Knex } from "knex";
import { countChangesAfter, findExported, type RoomToExport } from "../../db/log/export.ts";
import { readPage } from "../../db/log/read.ts";
import { StartError } from "../../db/start-error.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { createRoomPage } from "../pages/room-page.ts";
import type { TimeLayout } from "../pages/time-stamp.ts";
import { readSlug } from "../rooms/slug.ts";
import { ROOM_FORMAT, type RoomHeader } from "./room-file.ts";

/** A page of the log in memory. */
const PAGE = { limit: 1_000, bytes: 512 * 1024 };

/** How to write a room, and what to report. */
export type ExportOptions = {
  version: string;
  /** A page for people, or lines of JSON for programs. */
  format: "jsonl" | "html";
  layout: TimeLayout;
  onStart?(events: number): void;
  /** Gets the number of events that were written since it was last called. */
  onEvents?(count: number): void;
  /** Gets the number of edits and erases since the moment of the export, if there are any. */
  onChanged?(count: number): void;
  /** Events that are older are left out. */
  keepDays?: number | undefined;
};

/**
 * Yields a room and its log as text, as they are at one moment: what is erased later is missing in
 * the next export only. Throws a StartError if there is no such room.
 */
export async function* exportRoom(db: Knex, typed: string, options: ExportOptions): AsyncGenerator<string> {
  const tx = await db.transaction({ isolationLevel: "repeatable read", readOnly: true });
  let room: RoomToExport | undefined;
  try {
    const slug = readSlug(typed);
    room = slug === undefined ? undefined : await findExported(tx, slug, options.keepDays);
    if (room === undefined) throw new StartError(`There is no room ${typed}: chattera rooms lists them.`);
    options.onStart?.(room.head - room.pruned);
    yield* options.format === "html" ? pageOf(tx, room, options) : linesOf(tx, room, options);
  } finally {
    await tx.rollback();
  }
  const changes = await countChangesAfter(db, room.roomId, room.head);
  if (changes > 0) options.onChanged?.(changes);
}

async function* linesOf(db: Knex, room: RoomToExport, options: ExportOptions): AsyncGenerator<string> {
  const { roomId: _, pruned, head, ...described } = room;
  const header: RoomHeader = {
    chattera: "room",
    format: ROOM_FORMAT,
    version: options.version,
    exportedAt: new Date().toISOString(),
    first: pruned + 1,
    last: head,
    room: described,
  };
  yield `${JSON.stringify(header)}\n`;
  for await (const events of pagesOf(db, room, options))
    yield events.map((event) => `${JSON.stringify(event)}\n`).join("");
}

async function* pageOf(db: Knex, room: RoomToExport, options: ExportOptions): AsyncGenerator<string> {
  const page = createRoomPage(options.layout, room);
  yield page.start();
  for await (const events of pagesOf(db, room, options)) yield page.lines(events);
  yield page.end();
}

async function* pagesOf(
  db: Knex,
  { roomId, pruned, head }: RoomToExport,
  { onEvents }: ExportOptions,
): AsyncGenerator<RoomEvent[]> {
  for (let after = pruned; after < head; ) {
    const events = await readPage(db, { roomId, after, ...PAGE });
    if (events.length === 0) return;
    onEvents?.(events.length);
    yield events;
    after = (events.at(-1) as RoomEvent).seq;
  }
}
