import { PATHS } from "./paths.ts";

/** The paths of incoming webhooks: those of a room's owner, and the one that programs post to. */
export const WEBHOOK_PATHS = {
  ofRoom: (slug: string) => `${PATHS.roomState(slug)}/webhooks`,
  revoke: (slug: string) => `${PATHS.roomState(slug)}/webhooks/revoke`,
  incoming: (key: string) => `/api/webhooks/${key}`,
} as const;

/** Returns the path of the page with a room's incoming webhooks. */
export function webhooksPage(slug: string): string {
  return `${PATHS.room(slug)}/webhooks`;
}
