import type { FeedEvents, Order, SessionStatus, State } from "./state.ts";

/** Orders an effect of the state's session. */
export function order(state: State, one: Order): void {
  state.orders.push(one);
}

/**
 * Lets a timer happen, once, in place of the earlier one of that name. Its purpose may be void by
 * then.
 */
export function wakeIn(state: State, timer: string, ms: number): void {
  state.orders.push({ kind: "wakeIn", timer, ms });
}

/** Passes an event or a signal to the application. */
export function publish<Name extends keyof FeedEvents>(state: State, name: Name, data: FeedEvents[Name]): void {
  state.orders.push({ kind: "publish", name, data });
}

/** Reports the status if it differs. Fields that are left out stay. */
export function report(state: State, change: Partial<SessionStatus>): void {
  const status = { ...state.status, ...change };
  if (status.state === "live") status.refused = "";
  if (isSameStatus(status, state.status)) return;
  state.status = status;
  state.orders.push({ kind: "report", status });
}

/** Whether nothing has changed between two statuses. */
export function isSameStatus(one: SessionStatus, other: SessionStatus): boolean {
  for (const field in one) {
    if (one[field as keyof SessionStatus] !== other[field as keyof SessionStatus]) return false;
  }
  return true;
}
