import { randomBytes } from "node:crypto";
import { StartError } from "../../db/start-error.ts";
import type { Config } from "../config.ts";
import { sendWebhook, type WebhookSite, type WebhookTarget } from "./webhook.ts";

/** The webhooks of a node. */
export type Webhooks = { stop(): Promise<void> };

/** Returns the receivers of a site. Throws a StartError without a secret. */
export function webhooksOf({ webhooks, webhookSecret }: Config): WebhookTarget[] {
  if (webhooks.length === 0) return [];
  if (webhookSecret === undefined)
    throw new StartError("webhookSecret (CHATTERA_WEBHOOK_SECRET): webhooks need a secret, which signs them");
  return webhooks.map((one) => ({ ...one, secret: webhookSecret }));
}

/** Begins to send events to the receivers. */
export function startWebhooks(targets: WebhookTarget[], site: Omit<WebhookSite, "node" | "signal">): Webhooks {
  const controller = new AbortController();
  // Workers of a process share a name.
  const node = randomBytes(9).toString("base64url");
  const { logger } = site;
  const sending = targets.map((target) =>
    sendWebhook({ ...site, node, signal: controller.signal }, target).catch((error) =>
      logger.error({ err: error }, "webhook is no longer sent"),
    ),
  );
  return {
    stop: async () => {
      site.followers.stop();
      controller.abort();
      await Promise.all(sending);
    },
  };
}
