import { randomBytes } from "node:crypto";
import type { Context } from "koa";
import { roomNameFor } from "../../protocol/room-name.ts";
import { networksOf } from "../guard/address.ts";
import { WIDER } from "../guard/rate-limit.ts";
import { refuse } from "../refusal.ts";
import { type Maker, ROOMS_A_DAY, type RoomChoice } from "../rooms/make-room.ts";
import { readSlug, readTitle } from "../rooms/slug.ts";
import type { Site } from "../site.ts";
import { actorOf } from "./actor.ts";
import { type Input, inputOf, readChoice } from "./input.ts";
import { payerOf } from "./payer.ts";

/**
 * Makes the room that a request describes, and returns it. In a form, `listed` is `0` for a room by
 * link only, and `1` for one whose words the lobby does not show. Throws `not_allowed`,
 * `malformed`, `reserved`, `room_exists`, `too_many` or `full`.
 */
export async function makeRoomAsAsked(ctx: Context, site: Site): Promise<RoomChoice & { ownerKey: string }> {
  const actor = actorOf(ctx, site);
  await site.access.assert(actor, "create");
  const input = inputOf(ctx);
  site.limits.rooms.take(payerOf(ctx));
  const listed = input.text("listed") ?? "words";
  if (!FOUND.includes(listed)) throw refuse("malformed", "listed: words, 1 or 0");
  const isPublic = readChoice(ctx, "public", true) && listed !== "0";
  const slug = readSlug(input.string("slug") ?? proposedName(input, isPublic));
  if (slug === undefined) throw refuse("malformed", "slug: 1 to 64 letters, digits, - and _");
  const room = {
    slug,
    title: readTitle(input.string("title"), slug),
    public: isPublic,
    silent: readChoice(ctx, "silent", false),
    showsWords: readChoice(ctx, "words", true) && listed !== "1",
  };
  const ownerKey = await site.makeRoom(room, { ...makerAt(ctx, site), member: actor.member });
  return { ...room, ownerKey };
}

/** How people find a room: with its words in the lobby, in the lobby, and by its link only. */
const FOUND = ["words", "1", "0"];

/**
 * Returns a name for the title in a form. That of a room by link only cannot be guessed, and a
 * title without letters gets such a name too. A request without a title must name its room.
 */
function proposedName(input: Input, isPublic: boolean): string {
  const title = input.string("title");
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
