import { randomBytes } from "node:crypto";
import { StartError } from "../../db/start-error.ts";
import type { Config } from "../config.ts";
import { type DeliveringSite, deliverEvents, type Receiver } from "./deliver.ts";
import { type WebhookTarget, webhookTo } from "./webhook.ts";

/** The receivers of events of a node: webhooks, and named listeners of the host. */
export type Webhooks = { add(receiver: Receiver): void; stop(): Promise<void> };

/** Returns the receivers of a site. Throws a StartError without a secret. */
export function webhooksOf({ webhooks, webhookSecret }: Config): WebhookTarget[] {
  if (webhooks.length === 0) return [];
  if (webhookSecret === undefined)
    throw new StartError("webhookSecret (CHATTERA_WEBHOOK_SECRET): webhooks need a secret, which signs them");
  return webhooks.map((one) => ({ ...one, secret: webhookSecret }));
}

/** Begins to send events to the receivers. */
export function startWebhooks(targets: WebhookTarget[], site: Omit<DeliveringSite, "node" | "signal">): Webhooks {
  const controller = new AbortController();
  // Workers of a process share a name.
  const node = randomBytes(9).toString("base64url");
  const { logger } = site;
  const delivering: Promise<void>[] = [];
  for (const target of targets) add(webhookTo(target));
  return {
    add,
    stop: async () => {
      site.followers.stop();
      controller.abort();
      await Promise.all(delivering);
    },
  };

  function add(receiver: Receiver): void {
    const delivered = deliverEvents({ ...site, node, signal: controller.signal }, receiver).catch((error) =>
      logger.error({ err: error }, `${receiver.noun} gets no more events`),
    );
    delivering.push(delivered);
  }
}
