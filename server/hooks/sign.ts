import { createHmac } from "node:crypto";

/** The headers of a webhook, as Standard Webhooks defines them. */
export type WebhookHeaders = { "webhook-id": string; "webhook-timestamp": string; "webhook-signature": string };

/**
 * Signs a webhook [Standard Webhooks]. A secret that begins with `whsec_` is the base64 of the key,
 * any other text is the key itself. `id` is the same with each attempt, and `seconds` is the time
 * of this one.
 */
export function signWebhook(
  secret: string,
  { id, seconds, body }: { id: string; seconds: number; body: string },
): WebhookHeaders {
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice("whsec_".length), "base64") : secret;
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(seconds), "webhook-signature": `v1,${signature}` };
}
