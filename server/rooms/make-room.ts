import type { Knex } from "knex";
import type { LogIdentity } from "../../db/log/log.ts";
import { createRoom, type NewRoom } from "../../db/log/rooms.ts";
import type { Member } from "../../protocol/event.ts";
import { refuse } from "../refusal.ts";
import type { Lobby } from "./lobby.ts";
import { nameNetwork } from "./network-name.ts";
import { newOwnerKey, rolesOf } from "./owner-key.ts";
import type { Reserved } from "./reserved.ts";
import { roomSkeletonOf } from "./skeleton.ts";

/**
 * The creator of a room: a network and the /48 around it (of IPv4 the network itself), and their
 * daily limits, if any.
 */
export type Maker = {
  network: string;
  wideNetwork: string;
  limits: { perDay: number; widePerDay: number } | undefined;
  /** The session that becomes the owner, by its id and its trip. */
  member: Member | undefined;
};

/** A room to make: what a person chooses about it. */
export type RoomChoice = Pick<NewRoom, "slug" | "title" | "public" | "silent" | "showsWords">;

/**
 * Makes a room, and returns the key that makes any session its owner. Throws `reserved`,
 * `room_exists`, `too_many` or `full`.
 */
export type MakeRoom = (room: RoomChoice, maker: Maker) => Promise<string>;

/**
 * Rooms that one network may make within a day: enough for a school, and a site is full after a
 * year of them.
 */
export const ROOMS_A_DAY = 30;

/** Seconds until a retry makes sense: unused rooms are removed several times an hour. */
const RETRY_SECONDS = 3_600;

type Options = {
  db: Knex;
  log: Pick<LogIdentity, "secret">;
  lobby: Pick<Lobby, "forget">;
  reserved: Reserved;
  roomsMax: number;
};

/**
 * Creates the function that makes rooms. The network that made a room is stored as a keyed hash, so
 * that the table does not reveal where anybody is.
 */
export function createMakeRoom({ db, log, lobby, reserved, roomsMax }: Options): MakeRoom {
  const nameOf = (network: string) => nameNetwork(log.secret, "creator", network);
  return async (room, { network, wideNetwork, limits, member }) => {
    if (reserved.hasRoom(room.slug) || reserved.hasRoom(room.title)) throw refuse("reserved");
    const looks = { skeleton: roomSkeletonOf(room.slug), titleSkeleton: roomSkeletonOf(room.title) };
    const creators = limits && { creator: nameOf(network), wideCreator: nameOf(wideNetwork) };
    const { perDay, widePerDay } = limits ?? { perDay: roomsMax, widePerDay: roomsMax };
    const counts = { total: roomsMax, perCreator: perDay, perWideCreator: widePerDay };
    const key = newOwnerKey();
    const owned = { ownerKey: key.hash, owners: rolesOf(member) };
    const outcome = await createRoom(db, { ...room, ...looks, ...creators, ...owned }, counts);
    if (outcome === "taken") throw refuse("room_exists");
    if (outcome === "many") throw refuse("too_many", `Your network made ${perDay} rooms within a day.`, RETRY_SECONDS);
    if (outcome === "many_around")
      throw refuse("too_many", `The /48 of your network made ${widePerDay} rooms within a day.`, RETRY_SECONDS);
    if (outcome === "full") throw refuse("full", `This site has ${roomsMax} rooms and holds no more.`, RETRY_SECONDS);
    lobby.forget();
    return key.text;
  };
}
