import type { Member } from "../protocol/event.ts";
import type { Role } from "../protocol/room-settings.ts";

/**
 * The person behind a request, as far as it is known. `since` is when their session began.
 * `browser` is the cookie of a visitor's browser.
 */
export type Actor = {
  readonly member: Member | undefined;
  readonly since: number;
  readonly issuedAt: number;
  readonly browser: string | undefined;
  readonly address: string;
  readonly isOperator: boolean;
  /** The rank that a user of the host has in every room: as somebody with a trip, or a role. */
  readonly hostRank?: Role | "trip" | undefined;
};
