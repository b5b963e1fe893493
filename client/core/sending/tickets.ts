import { PATHS } from "../../../protocol/paths.ts";
import { createNonce, type Environment } from "../base/environment.ts";
import type { Http, Request } from "../base/http.ts";
import { readOurs } from "../reading/poll.ts";
import type { Transport } from "../reading/transport.ts";
import type { Address } from "../reading/url.ts";
import { isPassing } from "./send.ts";

// A ticket is replaced when a quarter of its life is left, so that none expires on its way.
const SHARE_USED = 0.75;
const PATIENCE_MS = 3_000;
// Until the next attempt, URLs carry the token. A network that refuses a ticket will refuse the
// next one as well.
const PAUSE_MS = 225_000;
// No answer, or a 5xx: the site restarts. Doubled each time, since a network may also swallow all
// requests for tickets.
const RETRY_MS = 10_000;

/**
 * Replaces the token of `address` in URLs by a ticket, since URLs end up in the logs of proxies. Asks for one by POST
 * and, where that is blocked, by GET with the token as a header, when a URL is to be made and there is none.
 */
export function useTickets(environment: Environment, http: Http, address: Address): void {
  let ticket: string | undefined;
  // No request before then: there is a ticket, or the last request failed.
  let until = 0;
  let retryMs = RETRY_MS;
  let waiting: (() => void)[] = [];
  address.ticket = () => (environment.now() < until ? ticket : undefined);
  address.ready = (done) => {
    const { token } = address;
    if (token === undefined || environment.now() < until) done();
    else if (waiting.push(done) === 1) ask(token, "POST");
  };

  function ask(token: string, method: "POST" | "GET"): void {
    const nonce = createNonce(environment);
    http.ask(requestOf(address.base, token, method, nonce), ({ status, text }) => {
      const answer = (readOurs(http, text, nonce) || {}) as { ticket?: string; ticketSeconds?: number };
      ticket = answer.ticket;
      if (!ticket && method === "POST") {
        ask(token, "GET");
        return;
      }
      const pauseMs = status === 0 || isPassing(status) ? Math.min(retryMs, PAUSE_MS) : PAUSE_MS;
      retryMs = ticket ? RETRY_MS : retryMs * 2;
      until = environment.now() + ((answer.ticketSeconds || 0) * 1000 * SHARE_USED || pauseMs);
      const ready = waiting;
      waiting = [];
      for (let i = 0; i < ready.length; i++) (ready[i] as () => void)();
    });
  }
}

/** The same transport, whose connections wait for their ticket. */
export function ticketed(address: Address, transport: Transport): Transport {
  return {
    name: transport.name,
    streams: transport.streams,
    open(reading, sink) {
      if (address.ready === undefined) return transport.open(reading, sink);
      let hangUp = nothing;
      let isOver = false;
      address.ready(() => {
        if (!isOver) hangUp = transport.open(reading, sink);
      });
      return () => {
        isOver = true;
        hangUp();
      };
    },
  };
}

function requestOf(base: string, token: string, method: "POST" | "GET", nonce: string): Request {
  const url = `${base}${PATHS.sessionTicket};n=${nonce}`;
  if (method === "GET") return { method, url, token, timeoutMs: PATIENCE_MS };
  const body = `token=${encodeURIComponent(token)}`;
  return { method, url, type: "application/x-www-form-urlencoded", body, timeoutMs: PATIENCE_MS };
}

function nothing(): void {}
