import { PATHS } from "../../../protocol/paths.ts";
import type { Access } from "../base/access.ts";
import { type Address, placed, type Tickets } from "../base/address.ts";
import { callSafely } from "../base/emitter.ts";
import { type Clock, createNonce } from "../base/environment.ts";
import { askSafely, isPassing, type Request, readOurs } from "../base/http.ts";
import type { Transport } from "../reading/transport.ts";

// A ticket is replaced when a quarter of its life is left, so that none expires on its way.
const SHARE_USED = 0.75;
const PATIENCE_MS = 3_000;
// Until the next attempt, URLs carry the token. A network that refuses a ticket will refuse the
// next one as well.
const PAUSE_MS = 225_000;
// After no answer or a 5xx, the site is probably restarting. Doubled each time, since a network may
// also swallow all requests for tickets.
const RETRY_MS = 10_000;

/** Replaces the token in URLs by a ticket from now on, since URLs end up in the logs of proxies. */
export function useTickets(clock: Clock, address: Address): void {
  address.tickets = { clock, until: 0, retryMs: RETRY_MS, waiting: [] };
}

/**
 * Runs something when a URL can be made: at once if there is a ticket or none is needed. Otherwise
 * asks for one first, by POST and, where that is blocked, by GET with the token as a header.
 */
export function whenTicketed(access: Access, run: () => void): void {
  const { tickets, token } = access.address;
  if (!tickets || token === undefined || tickets.clock.now() < tickets.until) run();
  else if (tickets.waiting.push(run) === 1) ask(access, tickets, { token, method: "POST" });
}

/** Returns the same transport, whose connections wait for their ticket. */
export function ticketed(access: Access, transport: Transport): Transport {
  const { open } = transport;
  return {
    ...transport,
    open(reading, sink) {
      let hangUp: (() => void) | undefined;
      let isOver = false;
      whenTicketed(access, () => {
        if (!isOver) hangUp = open(reading, sink);
      });
      return () => {
        isOver = true;
        if (hangUp) hangUp();
      };
    },
  };
}

function ask(access: Access, tickets: Tickets, { token, method }: { token: string; method: "POST" | "GET" }): void {
  const { environment, http, address } = access;
  const nonce = createNonce(environment);
  const request: Request = {
    method,
    url: placed(address, `${address.base}${PATHS.sessionTicket};n=${nonce}`),
    timeoutMs: PATIENCE_MS,
  };
  if (method === "GET") request.token = token;
  else {
    request.type = "application/x-www-form-urlencoded";
    request.body = `token=${encodeURIComponent(token)}`;
  }
  askSafely(
    environment,
    (answered) => http.ask(request, answered),
    ({ status, text }) => {
      const { ticket, ticketSeconds = 0 }: Ours = readOurs(http, text, nonce) || {};
      tickets.ticket = ticket;
      if (!ticket && method === "POST") ask(access, tickets, { token, method: "GET" });
      else settle(access, status, ticketSeconds * 1000 * SHARE_USED);
    },
  );
}

type Ours = { ticket?: string; ticketSeconds?: number };

/** Runs what has waited: the ticket is good for this time, or there is none. */
function settle({ environment, address }: Access, status: number, lifeMs: number): void {
  const tickets = address.tickets as Tickets;
  const { clock, retryMs, ticket, waiting } = tickets;
  const pauseMs = status === 0 || isPassing(status) ? Math.min(retryMs, PAUSE_MS) : PAUSE_MS;
  tickets.retryMs = ticket ? RETRY_MS : retryMs * 2;
  tickets.until = clock.now() + (lifeMs || pauseMs);
  tickets.waiting = [];
  for (let i = 0; i < waiting.length; i++) callSafely(environment, waiting[i] as () => void, undefined);
}
