import { randomBytes } from "node:crypto";
import type { Context } from "koa";
import { roomNameFor } from "../../protocol/room-name.ts";
import { networksOf } from "../guard/address.ts";
import { WIDER } from "../guard/rate-limit.ts";
import { refuse } from "../refusal.ts";
import { newRoomRequest } from "../requests.ts";
import { type Maker, ROOMS_A_DAY, type RoomChoice } from "../rooms/make-room.ts";
import { readSlug, readTitle } from "../rooms/slug.ts";
import type { Site } from "../site.ts";
import { actorOf } from "./actor.ts";
import { inputOf } from "./input.ts";
import { payerOf } from "./payer.ts";

/**
 * Makes the room that a request describes, and returns it. In a form, `listed` is `0` for a room by
 * link only, and `1` for one whose words the lobby does not show. Throws `not_allowed`,
 * `malformed`, `reserved`, `room_exists`, `too_many` or `full`.
 */
export async function makeRoomAsAsked(ctx: Context, site: Site): Promise<RoomChoice & { ownerKey: string }> {
  const actor = actorOf(ctx, site);
  await site.access.assert(actor, "create");
  site.limits.rooms.take(payerOf(ctx));
  const { listed, title, silent, ...asked } = inputOf(ctx).read(newRoomRequest);
  const isPublic = asked.public && listed !== "0";
  const slug = readSlug(asked.slug ?? proposedName(title, isPublic));
  if (slug === undefined) throw refuse("malformed", "slug: 1 to 64 letters, digits, - and _");
  const showsWords = asked.words && listed !== "1";
  const room = { slug, title: readTitle(title, slug), public: isPublic, silent, showsWords };
  const ownerKey = await site.makeRoom(room, { ...makerAt(ctx, site), member: actor.member });
  return { ...room, ownerKey };
}

/**
 * Returns a name for the title in a form. That of a room by link only cannot be guessed, and a
 * title without letters gets such a name too. A request without a title must name its room.
 */
function proposedName(title: string | undefined, isPublic: boolean): string {
  if (title === undefined) return "";
  const name = roomNameFor(title);
  if (name !== "" && isPublic) return name;
  const secret = randomBytes(10).toString("hex");
  return name === "" ? secret : `${[...name].slice(0, 40).join("")}-${secret}`;
}

function makerAt({ state: { address } }: Context, { shares, config }: Site): Omit<Maker, "member"> {
  const networks = networksOf(address);
  const perDay = ROOMS_A_DAY * shares(address);
  const limits = config.limits ? { perDay, widePerDay: WIDER * perDay } : undefined;
  return { network: networks[0], wideNetwork: networks.at(-1) as string, limits };
}
