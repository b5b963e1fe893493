import type { Member } from "../protocol/event.ts";

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
};
