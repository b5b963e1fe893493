import type { Context } from "koa";
import { listOf, type RoomList } from "../rooms/lobby.ts";
import type { Site } from "../site.ts";
import { actorOf } from "./actor.ts";

/** Returns the lobby as the person behind a request may see it. */
export async function lobbyFor(ctx: Context, site: Site): Promise<RoomList> {
  const list = await site.lobby.list();
  return site.seeRooms === undefined ? list : listOf(await site.seeRooms(actorOf(ctx, site), list.rooms));
}
