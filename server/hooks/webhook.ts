import { createHash } from "node:crypto";
import type { UnsentRoom } from "../../db/log/webhooks.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import type { DeliveringSite, Failure, Receiver } from "./deliver.ts";
import { signWebhook } from "./sign.ts";

/** A receiver of events: a URL, the secret that signs, and the kinds that it gets, or all. */
export type WebhookTarget = { url: string; secret: string; kinds: ReadonlySet<string> | undefined };

/** A receiver answers within this time, or the attempt has failed. */
const TIMEOUT_MS = 10_000;

/** Returns the name under which the positions of a webhook are stored. */
export function webhookId(url: string): string {
  return createHash("sha256").update(url).digest("base64url").slice(0, 16);
}

/**
 * Returns the receiver that posts events to a URL. A URL may contain a secret, so its host is
 * logged.
 */
export function webhookTo(target: WebhookTarget): Receiver {
  const { url, kinds } = target;
  return {
    id: webhookId(url),
    noun: "webhook",
    fields: { url: new URL(url).host },
    kinds,
    take: (event, room, site) => post(target, site, { event, room }),
  };
}

/** Posts an event once. Returns why it was not taken. */
async function post(
  { url, secret }: WebhookTarget,
  site: DeliveringSite,
  { event, room }: { event: RoomEvent; room: UnsentRoom },
): Promise<Failure | undefined> {
  const body = JSON.stringify({ type: event.kind, timestamp: event.at, data: event });
  const id = `evt_${site.log.epoch}_${room.id}_${event.seq}`;
  const headers = signWebhook(secret, { id, seconds: Math.floor(Date.now() / 1000), body });
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "user-agent": "chattera" },
      body,
      redirect: "manual",
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), site.signal]),
    });
    await answer.body?.cancel();
    if (answer.ok) return undefined;
    const isRefused = answer.status >= 400 && answer.status < 500 && !LATER.includes(answer.status);
    return { error: `answered with ${answer.status}`, isRefused };
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string } };
    return { error: cause?.code ?? message, isRefused: false };
  }
}

/** [RFC 9110] Not now, too many: a later attempt may succeed. 401 to 404: during a deployment. */
const LATER = [401, 403, 404, 407, 408, 409, 421, 425, 429];
