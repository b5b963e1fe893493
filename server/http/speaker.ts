import type { Context } from "koa";
import type { Member } from "../../protocol/event.ts";
import type { Session } from "../guard/session.ts";
import type { Site } from "../site.ts";

/**
 * Returns the author of what a request does in a room. No nickname can look like that of an
 * operator without a session.
 */
export function speakerOf(ctx: Context, { config }: Site): Member {
  const session: Session | undefined = ctx.state.session;
  return session?.member ?? { id: "operator", nickname: config.siteName, color: "#6b6000" };
}
