import type { Knex } from "knex";
import { execute, rowsOf } from "../pool/statement.ts";

/** A member and the network from which it came, by its eight letters and those of its /48. */
export type MemberSighting = { memberId: string; network: string; wideNetwork: string };

/** Notes from which networks members come. */
export async function writeSightings(db: Knex, sightings: MemberSighting[]): Promise<void> {
  await execute(
    db,
    `insert into sightings (member_id, network, wide_network)
     select distinct on (member_id, network) member_id, network, wide_network
     from unnest(?::text[], ?::text[], ?::text[]) as s (member_id, network, wide_network) order by member_id, network
     on conflict (member_id, network) do update set at = now()`,
    [
      sightings.map(({ memberId }) => memberId),
      sightings.map(({ network }) => network),
      sightings.map(({ wideNetwork }) => wideNetwork),
    ],
  );
}

/** Deletes what was noted more than `hours` ago. */
export async function pruneSightings(db: Knex, hours: number): Promise<void> {
  await execute(db, "delete from sightings where at < now() - make_interval(hours => ?)", [hours]);
}

/** Returns the network from which a member came last, if it is known. */
export async function findNetwork(db: Knex, memberId: string): Promise<string | undefined> {
  const [row] = await rowsOf<{ network: string }>(
    db,
    "select network from sightings where member_id = ? order by at desc limit 1",
    [memberId],
  );
  return row?.network;
}

/** A member of a room, and the network from which it came last, if that is known. */
export type PersonSeen = {
  id: string;
  nickname: string;
  trip: string | null;
  room: string;
  enteredAt: string;
  network: string | null;
  wideNetwork: string | null;
};

/** People in the list, at most. */
const PEOPLE_MAX = 2_000;

/** Returns the members of a room or of all rooms by their networks, at most 2,000. */
export async function listPeopleByNetwork(db: Knex, roomId?: number): Promise<PersonSeen[]> {
  const rows = await rowsOf<Omit<PersonSeen, "enteredAt"> & { enteredAt: Date }>(
    db,
    `select m.member_id as id, m.nickname, m.trip, r.slug as room, m.entered_at as "enteredAt",
       s.network, s.wide_network as "wideNetwork"
     from members m join rooms r on r.id = m.room_id
     left join lateral (
       select network, wide_network from sightings where member_id = m.member_id order by at desc limit 1
     ) s on true
     where m.room_id = coalesce(?, m.room_id) order by s.network nulls last, m.entered_at limit ?`,
    [roomId ?? null, PEOPLE_MAX],
  );
  return rows.map((row) => ({ ...row, enteredAt: row.enteredAt.toISOString() }));
}
