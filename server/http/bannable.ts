import type { Context } from "koa";
import type { Session } from "../guard/session.ts";
import type { Site } from "../site.ts";

/** A person, as far as bans are concerned. */
type Bannable = Parameters<Site["bans"]["on"]>[0];

/** Returns the person behind a request, as far as bans are concerned. */
export function bannableOf(ctx: Context, site: Pick<Site, "lettersOf">): Bannable {
  const session: Session | undefined = ctx.state.session;
  const { network, wideNetwork } = site.lettersOf(ctx.state.address);
  return { memberId: session?.member.id, trip: session?.member.trip, network, wideNetwork };
}

/**
 * Notes from which network the member of a request comes, so that moderators find it. Waits only
 * for the first request of a member from a network within the hour. If it cannot be stored, neither
 * can what follows, whose failure is reported.
 */
export async function noteSighting(
  ctx: Context,
  site: Pick<Site, "lettersOf" | "sightings">,
  memberId: string,
): Promise<void> {
  await site.sightings.note({ memberId, ...site.lettersOf(ctx.state.address) })?.catch(() => undefined);
}
