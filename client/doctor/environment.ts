import type { Environment } from "../core/base/environment.ts";

/** A request that the doctor makes. */
export type DoctorRequest = {
  method: "GET" | "POST";
  url: string;
  headers?: { [name: string]: string };
  /** The Content-Type of `body`. */
  type?: string;
  body?: string;
  timeoutMs: number;
  /** Called with the whole text received so far, each time there is more of it. */
  onText?: (text: string) => void;
};

/**
 * The reply to a request, even if it broke off. `status` is 0 if no headers arrived; `error` then
 * says why, if that is known.
 */
export type DoctorReply = {
  status: number;
  text: string;
  type: string;
  encoding: string;
  /** From Retry-After; 0 without one. */
  retrySeconds: number;
  error: string;
};

/** Makes a request and calls `done` exactly once. */
export type MakeRequest = (request: DoctorRequest, done: (reply: DoctorReply) => void) => void;

/** Everything the doctor needs from the place it runs in: a page or a terminal. */
export type DoctorEnvironment = {
  /** The site's URL, without a slash at its end. */
  base: string;
  host: string;
  isTls: boolean;
  clock: Environment;
  parse(text: string): unknown;
  request: MakeRequest;
  /** Makes the request by an iframe; missing where there are no iframes. */
  requestByIframe?: MakeRequest;
  /** Is `onText` called before a reply has ended? */
  seesStreams: boolean;
  /** The HTTP version of the last reply, "" if it is not known. */
  http(): string;
  /** How many lasting steps run at a time. Browsers open six connections per host, old ones two. */
  lanes: number;
};
