import type { Knex } from "knex";
import type { Member } from "../../protocol/event.ts";
import { COLORS } from "../../protocol/limits.ts";
import { type Appended, channelOf, columnsOf, type Draft, publishHeads, type Stored, storedOf } from "./events.ts";

/** A member and the look of the nickname, by which it is unique in a room; see server/rooms/nickname.ts. */
export type Entrant = Member & { look: string };

/**
 * Someone at a room's door. `tag` is what their nickname is marked with if someone else gave it up just before;
 * `clientId` is that of the message that they enter by, if any. Without `network`, the member counts for no network.
 */
export type Entry = {
  roomId: number;
  entrant: Entrant;
  tag: string;
  clientId?: string;
  network?: MemberNetwork | undefined;
};

/**
 * The network from which a member enters: the names of an IPv4 address (twice), or of a /64 and its /48, and how many
 * addresses' shares it has.
 */
export type MemberNetwork = { name: string; wideName: string; factor: number };

/**
 * What became of an entry: `entered` or `present` (already there), with the member as it is in the room; `sent`: the
 * message that they would enter by is stored already, so nothing was done; or a reason why they may not enter.
 * `taken`: someone has a nickname of this look; `kept`: someone with a trip gave it up within the hour; `full`: the room
 * is; `crowded`: the network has a quarter of the room's members already; `gone`: there is no such room.
 */
export type Outcome = "entered" | "present" | "sent" | "taken" | "kept" | "full" | "crowded" | "gone";
export type Entered = { outcome: Outcome; member: Member };

/** One member in one room. */
export type Place = { roomId: number; memberId: string };

/** Where a page of people begins: behind the one who entered at `enteredAt` (microseconds since 1970) with this id. */
export type PeoplePlace = { enteredAt: number; memberId: string };

/** Returns people in a room in order of entering, at most `limit`, and the place behind the last one. */
export async function listMembers(
  db: Knex,
  roomId: number,
  { after, limit }: { after?: PeoplePlace | undefined; limit: number },
): Promise<{ members: Member[]; last: PeoplePlace | undefined }> {
  const { rows } = await db.raw<{ rows: (MemberRow & { entered_us: number })[] }>(
    `select *, (extract(epoch from entered_at) * 1000000)::bigint as entered_us from members
     where room_id = ? and (entered_at, member_id) > ('epoch'::timestamptz + ? * interval '1 microsecond', ?)
     order by entered_at, member_id limit ?`,
    [roomId, after?.enteredAt ?? 0, after?.memberId ?? "", limit],
  );
  const last = rows.at(-1);
  return { members: rows.map(memberOf), last: last && { enteredAt: last.entered_us, memberId: last.member_id } };
}

/** Is this member in the room? */
export async function isPresent(db: Knex, { roomId, memberId }: Place): Promise<boolean> {
  const row = await db("members").where({ room_id: roomId, member_id: memberId }).first("member_id");
  return row !== undefined;
}

/**
 * Enters people into rooms, one after the other, and appends drafts, including their first messages, all in one
 * statement, the function enter_and_append(). A refused entry changes nothing for the others.
 *
 * An enter event says that someone entered, unless they are in the room already; a rename is a leave and an enter.
 * A member with the same trip is the same person, so such a ghost leaves first. A nickname that someone else gave up in
 * this room within the hour comes with another color and a tag, and is refused if it had a trip.
 *
 * In a full room, the longest-present member of the network that holds most makes way for a newcomer, unless the
 * newcomer's network would then hold as much. A /48 counts as ten networks: it holds a tenth of its members.
 */
export async function enterAndAppend(
  db: Knex,
  { entries, drafts, roomMembers }: { entries: Entry[]; drafts: Draft[]; roomMembers: number },
): Promise<{ entered: Entered[]; stored: (Stored | undefined)[] }> {
  const { rows } = await db.raw<{ rows: (EntryRow | ({ entry: null } & Appended))[] }>(
    `select * from enter_and_append(
      ?::int[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[],
      ?::double precision[], ?::text[], ?,
      ?::int[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?
    )`,
    [...entryColumns(entries), [...COLORS], roomMembers, ...columnsOf(drafts), channelOf(db)] as Knex.RawBinding[],
  );
  const entered = new Array<Entered>(entries.length);
  const appended: Appended[] = [];
  for (const row of rows) {
    if (row.entry === null) appended.push(row);
    else entered[row.entry - 1] = enteredOf((entries[row.entry - 1] as Entry).entrant, row);
  }
  return { entered, stored: await storedOf(db, drafts, appended) };
}

/**
 * Has these members leave, with the lines that say so, in one statement: the function leave_rooms(). With
 * `unseenSeconds`, only members whom nobody has seen for so long leave. Skips members who are not there. Returns how
 * many left.
 */
export async function leaveRooms(db: Knex, places: Place[], unseenSeconds?: number): Promise<number> {
  const { rows } = await db.raw<{ rows: { room_id: number; seq: number }[] }>(
    "select * from leave_rooms(?::int[], ?::text[], ?, ?)",
    [
      places.map((place) => place.roomId),
      places.map((place) => place.memberId),
      unseenSeconds ?? null,
      channelOf(db),
    ] as Knex.RawBinding[],
  );
  await publishHeads(db, rows);
  return rows.length;
}

/** Returns the rooms that a member is in. */
export async function roomsOf(db: Knex, memberId: string): Promise<Place[]> {
  const rows = await db("members").where({ member_id: memberId }).select("room_id");
  return rows.map(({ room_id }) => ({ roomId: room_id, memberId }));
}

/** Notes that these members were seen so many milliseconds ago; gives those of them who are present. */
export async function touchMembers(db: Knex, places: (Place & { agoMs: number })[]): Promise<Place[]> {
  if (places.length === 0) return [];
  const { rows } = await db.raw(
    `update members m set seen_at = greatest(m.seen_at, now() - p.ago_ms * interval '1 millisecond')
     from (select * from unnest(?::int[], ?::text[], ?::int[]) as p (room_id, member_id, ago_ms) order by 1, 2) p
     where m.room_id = p.room_id and m.member_id = p.member_id
     returning m.room_id as "roomId", m.member_id as "memberId"`,
    [
      places.map((place) => place.roomId),
      places.map((place) => place.memberId),
      places.map((place) => Math.round(place.agoMs)),
    ],
  );
  return rows;
}

/** Members found by one reading of the table, and those that leave in one transaction, which takes some 10 ms. */
const UNSEEN_LIMIT = 5_000;
const SWEEP_BATCH = 200;

/**
 * Removes all members that no node has seen for `graceSeconds`, longest absent first, until none is left or `signal`
 * aborts. Returns the number of members removed.
 */
export async function sweepMembers(db: Knex, graceSeconds: number, signal?: AbortSignal): Promise<number> {
  let left = 0;
  for (;;) {
    const unseen = await findUnseen(db, graceSeconds);
    const before = left;
    for (let start = 0; start < unseen.length; start += SWEEP_BATCH) {
      if (signal?.aborted) return left;
      left += await leaveRooms(db, unseen.slice(start, start + SWEEP_BATCH), graceSeconds);
    }
    // Another node removes the same members, or none is left.
    if (unseen.length < UNSEEN_LIMIT || left === before) return left;
  }
}

/** Forgets the names that were given up more than an hour ago. */
export async function forgetFreedNames(db: Knex): Promise<void> {
  await db.raw("delete from freed_names where freed_at < now() - interval '1 hour'");
}

/** Notes that a member is typing. Returns `false` if it is not present. */
export async function noteTyping(db: Knex, { roomId, memberId }: Place): Promise<boolean> {
  const noted = await db("members").where({ room_id: roomId, member_id: memberId }).update({ typing_at: db.fn.now() });
  return noted > 0;
}

/**
 * Returns members that no node has seen for the grace, at most UNSEEN_LIMIT.
 *
 * This reads the whole table. seen_at of everybody present is written every few seconds, and an index on it would make
 * each of these writes a new entry in all indexes, because PostgreSQL updates a row in place (HOT) only while no indexed
 * column changes. 100,000 members are read in 20 ms, once per presence round.
 */
async function findUnseen(db: Knex, graceSeconds: number): Promise<Place[]> {
  const { rows } = await db.raw<{ rows: Place[] }>(
    `select room_id as "roomId", member_id as "memberId" from members
     where seen_at < now() - make_interval(secs => ?) order by seen_at limit ?`,
    [graceSeconds, UNSEEN_LIMIT],
  );
  return rows;
}

type MemberRow = {
  room_id: number;
  member_id: string;
  nickname: string;
  color: string;
  trip: string | null;
  tag: string | null;
};

type EntryRow = { entry: number; outcome: Outcome; color: string; tag: string | null };

function entryColumns(entries: Entry[]): unknown[] {
  return [
    entries.map(({ roomId }) => roomId),
    entries.map(({ entrant }) => entrant.id),
    entries.map(({ entrant }) => entrant.nickname),
    entries.map(({ entrant }) => entrant.color),
    entries.map(({ entrant }) => entrant.trip ?? null),
    entries.map(({ entrant }) => entrant.look),
    entries.map(({ tag }) => tag),
    entries.map(({ clientId }) => clientId ?? null),
    entries.map(({ network }) => network?.name ?? null),
    entries.map(({ network }) => network?.wideName ?? null),
    entries.map(({ network }) => 1 / (network?.factor ?? 1)),
  ];
}

/** The entrant as it is in the room: the color may be another one there. */
function enteredOf({ look: _look, tag: _tag, ...member }: Entrant, { outcome, color, tag }: EntryRow): Entered {
  return { outcome, member: { ...member, color, ...(tag !== null && { tag }) } };
}

function memberOf(row: MemberRow): Member {
  const member: Member = { id: row.member_id, nickname: row.nickname, color: row.color };
  if (row.trip !== null) member.trip = row.trip;
  if (row.tag !== null) member.tag = row.tag;
  return member;
}
