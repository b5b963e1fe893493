import type { Environment } from "./environment.ts";

/** One HTTP request; `timeoutMs` counts from its start to the last byte of the answer. */
export type Request = {
  method: "GET" | "POST";
  url: string;
  /** `Content-Type` and body of a POST. */
  type?: string;
  body?: string;
  /** Sent as `Authorization: Bearer`. */
  token?: string;
  timeoutMs: number;
  /**
   * It is not held and harmless to repeat: if an answer takes much longer than the last one did, it
   * is repeated over another connection.
   */
  isQuick?: boolean;
  /** Asks over a new connection, where there is a choice: the others may be dead. */
  isFresh?: boolean;
};

/**
 * The answer to a request. `status` is 0 if there is none: the connection was refused or cut, the
 * answer took too long, or this page may not read it. `retryMs` is the answer's `Retry-After`.
 * `lostMs` is how long connections were waited for that had died.
 */
export type Answer = { status: number; text: string; retryMs?: number; lostMs?: number };

/**
 * The environment's way to make a request: fetch, or XMLHttpRequest of any age. Returns a function
 * that gives the request up. `done` is called once, later, and never after that.
 */
export type Ask = (request: Request, done: (answer: Answer) => void) => () => void;

/** Both sides of JSON, which IE7 lacks. `parse` throws on invalid JSON. */
export type Json = { parse(text: string): unknown; print(value: unknown): string };

/** All of HTTP that the core uses. */
export type Http = { ask: Ask; json: Json };

/**
 * Returns the JSON of an answer that is the site's own: it bears its mark and the request's nonce.
 */
export function readOurs({ json }: Http, text: string, nonce: string): object | undefined {
  let value: { chattera?: unknown; n?: unknown } | null;
  try {
    value = json.parse(text) as typeof value;
  } catch (_notJson) {
    return undefined;
  }
  return value !== null && value.chattera === 1 && value.n === nonce ? value : undefined;
}

/**
 * Begins a request. If that throws, as in scripts that replace fetch, the request counts as one
 * without an answer, so that its caller continues.
 */
export function askSafely(
  { later }: Environment,
  begin: (answered: (answer: Answer) => void) => void,
  done: (answer: Answer) => void,
): void {
  let isOver = false;
  const answered = (answer: Answer) => {
    if (isOver) return;
    isOver = true;
    done(answer);
  };
  try {
    begin(answered);
  } catch (_failed) {
    later(0, () => answered({ status: 0, text: "" }));
  }
}

/** Whether a status means "not now": the server, or a proxy before it, is away or overloaded. */
export function isPassing(status: number): boolean {
  return status === 407 || status === 408 || status === 429 || status >= 500;
}
