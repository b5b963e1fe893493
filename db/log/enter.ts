import type { Knex } from "knex";
import type { Member } from "../../protocol/event.ts";
import { COLORS } from "../../protocol/limits.ts";
import { rowsOf } from "../pool/statement.ts";
import { type Appended, answersTo, type Draft, draftColumns } from "./append.ts";
import type { Stored } from "./event-row.ts";
import { notifyChannelOf, publishHeads, type WakeUps } from "./wake-ups.ts";

/**
 * A member, and the skeleton of the nickname, which is unique in a room; see
 * server/rooms/skeleton.ts.
 */
export type Entrant = Member & { skeleton: string };

/**
 * A request to enter a room. If someone else gave up the nickname just before, `tag` marks it.
 * `clientId` is the id of the message that the member enters by, if any. A `silent` member enters
 * and leaves without an event. Without `network`, the member counts for no network.
 */
export type EntryRequest = {
  roomId: number;
  entrant: Entrant;
  tag: string;
  clientId?: string;
  silent?: boolean;
  network?: MemberNetwork | undefined;
};

/**
 * The network from which a member enters: the names of an IPv4 address (twice), or of a /64 and its
 * /48, and the number of addresses' shares that it has.
 */
export type MemberNetwork = { name: string; wideName: string; factor: number };

/**
 * The outcome of an entry request. `entered`, or `present` (already in the room): the member is in
 * the room. `sent`: the message that came with it is stored already, so nothing was done. All
 * others are reasons for a refusal. `taken`: someone has a nickname with this skeleton. `kept`:
 * someone with a trip gave it up within the hour. `full`: the room is full. `crowded`: the network
 * has a quarter of the room's members already. `gone`: there is no such room.
 */
export type EntryOutcome = "entered" | "present" | "sent" | "taken" | "kept" | "full" | "crowded" | "gone";

/** The outcome of an entry request, and the member as it is in the room. */
export type EntryResult = { outcome: EntryOutcome; member: Member };

/** The input of one statement. `roomMembers` is the number of members that a room holds. */
export type EntryBatch = {
  entries: EntryRequest[];
  drafts: Draft[];
  roomMembers: number;
  wakeUps?: WakeUps | undefined;
};

/**
 * Enters people into rooms, one after the other, and appends drafts, including their first
 * messages. This is one statement, see db/sql/enter_and_append_drafts.sql. A refused entry changes
 * nothing for the others.
 *
 * An enter event is stored for each member who enters, unless they do so silently, or are in the
 * room already. A rename is a leave and an enter. A member with the same trip is the same person,
 * so an earlier one that is still present leaves first. A nickname that someone else gave up in
 * this room within the hour comes with another color and a tag. If it had a trip, it is refused.
 *
 * In a full room, the longest-present member of the network that holds most makes way for a
 * newcomer, unless the newcomer's network would then hold as much. A /48 counts as ten networks: it
 * holds a tenth of its members.
 */
export async function enterAndAppend(
  db: Knex,
  { entries, drafts, roomMembers, wakeUps }: EntryBatch,
): Promise<{ results: EntryResult[]; stored: (Stored | undefined)[] }> {
  const rows = await rowsOf<EntryRow | ({ entry: null } & Appended)>(
    db,
    `select * from enter_and_append_drafts(
      ?::int[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[],
      ?::double precision[], ?::text[], ?,
      ?::int[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?
    )`,
    [...entryColumns(entries), [...COLORS], roomMembers, ...draftColumns(drafts), notifyChannelOf(wakeUps)],
  );
  const results = new Array<EntryResult>(entries.length);
  const appended: Appended[] = [];
  for (const row of rows) {
    if (row.entry === null) appended.push(row);
    else results[row.entry - 1] = resultOf((entries[row.entry - 1] as EntryRequest).entrant, row);
  }
  await publishHeads(db, wakeUps, appended);
  return { results, stored: await answersTo(db, drafts, appended) };
}

type EntryRow = { entry: number; outcome: EntryOutcome; color: string; tag: string | null };

function entryColumns(entries: EntryRequest[]): unknown[] {
  return [
    entries.map(({ roomId }) => roomId),
    entries.map(({ entrant }) => entrant.id),
    entries.map(({ entrant }) => entrant.nickname),
    entries.map(({ entrant }) => entrant.color),
    entries.map(({ entrant }) => entrant.trip ?? null),
    entries.map(({ entrant }) => entrant.skeleton),
    entries.map(({ tag }) => tag),
    entries.map(({ clientId, silent }) => (silent ? "" : (clientId ?? null))),
    entries.map(({ network }) => network?.name ?? null),
    entries.map(({ network }) => network?.wideName ?? null),
    entries.map(({ network }) => 1 / (network?.factor ?? 1)),
  ];
}

/** The color in the room may differ from the one that the entrant asked for. */
function resultOf({ skeleton: _skeleton, tag: _tag, ...member }: Entrant, row: EntryRow): EntryResult {
  const { outcome, color, tag } = row;
  return { outcome, member: { ...member, color, ...(tag !== null && { tag }) } };
}
