import type { Context } from "koa";
import { addIncomingWebhook, removeIncomingWebhook } from "../../db/log/incoming-webhooks.ts";
import { appendNotice } from "../../db/log/notice.ts";
import { WEBHOOK_PATHS } from "../../protocol/webhook-paths.ts";
import type { Session } from "../guard/session.ts";
import { newWebhookRequest, revocationRequest } from "../keeping-requests.ts";
import { refuse } from "../refusal.ts";
import { newIncomingKey, readWebhookName } from "../rooms/incoming-webhook.ts";
import type { Site } from "../site.ts";
import { roomOf } from "./find-room.ts";
import { inputOf } from "./input.ts";
import { payerOf } from "./payer.ts";
import { speakerOf } from "./speaker.ts";

/** A webhook that was made. Its address is shown this once. */
export type MadeWebhook = { id: string; name: string; path: string };

/**
 * Makes an incoming webhook for a room, under the name that a request has. Throws
 * `nickname_invalid`, `reserved`, `full` and the refusals of access.
 */
export async function makeWebhook(ctx: Context, site: Site): Promise<MadeWebhook> {
  const tail = await roomOf(ctx, site, "configure");
  site.limits.moves.take(payerOf(ctx));
  const name = readWebhookName(inputOf(ctx).read(newWebhookRequest).name);
  if (site.reserved.hasNickname(name) && ctx.state.isOperator !== true) throw refuse("reserved");
  const { id, key, hash } = newIncomingKey();
  const session: Session | undefined = ctx.state.session;
  const stored = { id, name, roomId: tail.id, keyHash: hash, by: session?.member.id };
  if (!(await addIncomingWebhook(site.db, stored)))
    throw refuse("full", "This room has as many webhooks as it can have.");
  // People see who else may speak here, and a room in which something was said is never removed.
  const text = `受信Webhook (incoming webhook): ${name}`;
  const notice = { roomId: tail.id, member: speakerOf(ctx, site), text, clientId: `webhook-${id}` };
  await appendNotice(site.db, notice, site.wakeUps);
  return { id, name, path: WEBHOOK_PATHS.incoming(key) };
}

/** Revokes the incoming webhook that a request names. Throws the refusals of access. */
export async function revokeWebhook(ctx: Context, site: Site): Promise<void> {
  const tail = await roomOf(ctx, site, "configure");
  site.limits.moves.take(payerOf(ctx));
  await removeIncomingWebhook(site.db, tail.id, inputOf(ctx).read(revocationRequest).id.slice(0, 100));
}
