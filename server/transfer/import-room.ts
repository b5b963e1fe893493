import type { Knex } from "knex";
import { beginLogAfter, findPart, importEvents, type StoredPart, setRules } from "../../db/log/import.ts";
import { createRoom } from "../../db/log/rooms.ts";
import { StartError } from "../../db/start-error.ts";
import { type ByteReader, createByteReader } from "../../db/transfer/byte-reader.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { ROOM_RULES } from "../../protocol/room-settings.ts";
import { changeOf, readSettings } from "../rooms/settings.ts";
import { roomSkeletonOf } from "../rooms/skeleton.ts";
import { readSlug, readTitle } from "../rooms/slug.ts";
import { LINE_MAX, type RoomHeader, readEvent, readHeader } from "./room-file.ts";

/** Events in one transaction, during which messages to the room wait. */
const SLICE = 1_000;

/** The file to read, and the functions that get reports. */
export type ImportOptions = {
  /** The file's name, for errors. */
  name: string;
  /** Another name for the room. */
  into?: string | undefined;
  onStart?(events: number): void;
  /** Gets the number of events that were read since it was last called. */
  onEvents?(count: number): void;
};

/** The room that was imported, and how many of its events were new. */
export type Imported = { slug: string; events: number; added: number; hasPassword: boolean };

/**
 * Imports a room from the lines of JSON that exportRoom() has written. Running it again stores
 * nothing twice, and continues where it was interrupted. Messages that were edited or erased here
 * stay so. Throws a StartError if the room has other events.
 */
export async function importRoom(db: Knex, source: AsyncIterable<Buffer>, options: ImportOptions): Promise<Imported> {
  const { name, onStart, onEvents } = options;
  const reader = createByteReader(source);
  const header = readHeader(name, await reader.line(LINE_MAX));
  const slug = slugOf(header, options);
  const { roomId } = await openRoom(db, { slug, header, name });
  onStart?.(header.last - header.first + 1);
  let added = 0;
  for await (const slice of slicesOf(reader, header, name)) {
    const stored = await importEvents(db, roomId, slice);
    if (stored === undefined) throw differs(name, slug);
    added += stored;
    onEvents?.(slice.length);
  }
  return { slug, events: header.last - header.first + 1, added, hasPassword: header.room.hasPassword };
}

/** Yields all events up to a line that is missing or damaged, and throws after that. */
async function* slicesOf(reader: ByteReader, header: RoomHeader, name: string): AsyncGenerator<RoomEvent[]> {
  let slice: RoomEvent[] = [];
  try {
    for (let seq = header.first; seq <= header.last; seq++) {
      slice.push(readEvent(name, await reader.line(LINE_MAX), { seq, last: header.last }));
      if (slice.length < SLICE) continue;
      yield slice;
      slice = [];
    }
  } catch (error) {
    if (slice.length > 0) yield slice;
    throw error;
  }
  if (slice.length > 0) yield slice;
}

function slugOf({ room }: RoomHeader, { name, into }: ImportOptions): string {
  const slug = readSlug(into ?? room.slug);
  if (slug !== undefined) return slug;
  const where = into === undefined ? `${name} has a room ${room.slug}` : `--into is ${into}`;
  throw new StartError(`${where}, which is not a name of a room: add --into with letters, digits, - and _.`);
}

type NewOrKnown = { slug: string; header: RoomHeader; name: string };

async function openRoom(db: Knex, { slug, header, name }: NewOrKnown): Promise<StoredPart> {
  const known = await findPart(db, slug);
  if (known === undefined) await makeRoom(db, slug, header);
  const part = known ?? (await findPart(db, slug));
  if (part === undefined) throw new StartError(`The room ${slug} was removed just now: run the command again.`);
  const before = header.first - 1;
  if (part.head < before && !(await beginLogAfter(db, part.roomId, before))) throw differs(name, slug);
  return part;
}

/** A room whose title is taken is made under its slug. */
async function makeRoom(db: Knex, slug: string, { room }: RoomHeader): Promise<void> {
  for (const title of [readTitle(room.title, slug), slug]) {
    const { silent, showsWords, public: isPublic } = room;
    const skeletons = { skeleton: roomSkeletonOf(slug), titleSkeleton: roomSkeletonOf(title) };
    const made = { slug, title, public: isPublic, silent, showsWords, ...skeletons };
    if ((await createRoom(db, made, NO_LIMITS)) !== "made") continue;
    await setRules(db, slug, rulesOf(room, slug));
    return;
  }
  throw new StartError(
    `There is another room whose name or title looks like ${slug}: add --into with another name for the room.`,
  );
}

/**
 * Returns the description and the rules of a new room. Its password is unknown, so a room that had
 * one is for moderators only, until somebody sets another.
 */
function rulesOf(room: RoomHeader["room"], slug: string): { description: string; rules: object } {
  const { title, public: listed, silent: silentEntry, description, hasPassword } = room;
  const plain = { ...ROOM_RULES, title: slug, description: "", listed, silentEntry, password: false };
  try {
    const change = changeOf(readSettings({ title, description, ...room.rules }, plain, slug));
    const closed = hasPassword ? ({ mayRead: "moderators" } as const) : {};
    return { description: change.description ?? "", rules: { ...change.rules, ...closed } };
  } catch (error) {
    throw new StartError(`The settings of the room ${slug} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The operator's own rooms are not counted. */
const NO_LIMITS = {
  total: Number.MAX_SAFE_INTEGER,
  perCreator: Number.MAX_SAFE_INTEGER,
  perWideCreator: Number.MAX_SAFE_INTEGER,
};

function differs(name: string, slug: string): StartError {
  return new StartError(
    `The room ${slug} has other events than ${name}: add --into with a name that is free, to keep both.`,
  );
}
