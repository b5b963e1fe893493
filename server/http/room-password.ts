import type { Context } from "koa";
import { grantPassword, readPassword } from "../../db/log/passwords.ts";
import type { Tail } from "../delivery/tail.ts";
import { setVisitCookie } from "../guard/session.ts";
import { passwordRequest } from "../keeping-requests.ts";
import { refuse } from "../refusal.ts";
import { isPassword } from "../rooms/password.ts";
import type { Site } from "../site.ts";
import { actorOf } from "./actor.ts";
import { roomOf } from "./find-room.ts";
import { inputOf } from "./input.ts";
import { payerOf } from "./payer.ts";
import { holdersOf } from "./site-access.ts";

/**
 * Checks the password of a room that a request has. From then on, the session and the browser are
 * known to know it, on every node, until the room has another one. Throws `wrong_password`.
 */
export async function givePassword(ctx: Context, site: Site): Promise<Tail> {
  const tail = await roomOf(ctx, site, "see");
  site.limits.trips.take(payerOf(ctx));
  const { password } = inputOf(ctx).read(passwordRequest);
  const stored = await readPassword(site.db, tail.id);
  if (stored === null) return tail;
  if (password.length > 128 || !(await isPassword(password, stored))) throw refuse("wrong_password");
  const actor = actorOf(ctx, site);
  // A visitor without a session is known by the cookie that binds its forms.
  const known = holdersOf(actor).length > 0 ? actor : { ...actor, browser: setVisitCookie(ctx, site.tokens) };
  await grantPassword(site.db, { roomId: tail.id, stored, holders: holdersOf(known) });
  await site.roomWatch.refresh([tail.id]);
  site.access.noteGrant(known, tail);
  return tail;
}
