/** One HTTP request; `timeoutMs` counts from its start to the answer's last byte. */
export type Request = {
  method: "GET" | "POST";
  url: string;
  /** `Content-Type` and body of a POST. */
  type?: string;
  body?: string;
  /** Goes as `Authorization: Bearer`. */
  token?: string;
  timeoutMs: number;
};

/** What came of it. `status` is 0 where there was no answer: refused, cut, too late, or not to be read by this page. */
export type Answer = { status: number; text: string; retryMs?: number };

/** The environment's way to make a request: fetch, or XMLHttpRequest in its many ages. It returns how to give it up; `done` is called once, later, and not after that. */
export type Ask = (request: Request, done: (answer: Answer) => void) => () => void;

/** The two sides of JSON, which IE7 has to be taught. `parse` throws for what is no JSON. */
export type Json = { parse(text: string): unknown; print(value: unknown): string };

/** All of HTTP that the core uses. */
export type Http = { ask: Ask; json: Json };
