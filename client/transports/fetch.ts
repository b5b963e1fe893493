import type { Http } from "../core/base/http.ts";

/** A function like the global `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** How requests reach the site. A browser has its own connections. */
export type Connections = {
  fetch: Fetch;
  /** Closes the connections that are open and not in use: they may be dead. */
  closeIdle(): void;
  close(): void;
};

/** Creates the connections of an environment that manages them itself. */
export function connectionsOf(by: Fetch): Connections {
  return { fetch: by, closeIdle() {}, close() {} };
}

/** The connections of the browser. Its `fetch` may be replaced while the page lives. */
export const browserConnections = connectionsOf((url, init) => fetch(url, init));

/** Creates requests by `fetch`. Requests to the page's own site carry its cookies. */
export function createHttp({ fetch: ask, closeIdle }: Connections): Http {
  return {
    ask({ method, url, type, body, token, timeoutMs, isFresh }, done) {
      const request = new AbortController();
      let isOver = false;
      const timer = setTimeout(() => {
        request.abort("silence");
        closeIdle();
      }, timeoutMs);
      const settle = (answer: Parameters<typeof done>[0]) => {
        clearTimeout(timer);
        if (isOver) return;
        isOver = true;
        done(answer);
      };
      const init: RequestInit = { method, signal: request.signal, cache: "no-store", credentials: "same-origin" };
      if (body !== undefined && type !== undefined) Object.assign(init, { body, headers: { "Content-Type": type } });
      if (token !== undefined) init.headers = { Authorization: `Bearer ${token}` };
      if (isFresh) closeIdle();
      ask(url, init)
        .then(async (response) => ({ status: response.status, text: await response.text(), ...retryAfter(response) }))
        .then(settle, () => settle({ status: 0, text: "" }));
      return () => {
        isOver = true;
        clearTimeout(timer);
        request.abort();
      };
    },
    json: { parse: JSON.parse, print: printed },
  };
}

/** Requests by the browser's `fetch`. */
export const http: Http = createHttp(browserConnections);

/**
 * Returns the JSON of a value. [Prototype 1.6] The `toJSON` that it gives to arrays and texts, on
 * pages that embed the client, must not be called: it would turn a list into a text.
 */
export function printed(value: unknown): string {
  return JSON.stringify(value, function (this: { [name: string]: unknown }, name: string) {
    return this[name];
  });
}

// [RFC 9110 10.2.3] `Retry-After` may also be a date, but that would depend on two clocks.
function retryAfter(response: Response): { retryMs?: number } {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return seconds >= 0 ? { retryMs: Math.min(seconds, 300) * 1000 } : {};
}
