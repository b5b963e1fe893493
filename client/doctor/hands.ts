import type { Environment } from "../core/base/environment.ts";

/** A request of the doctor's. `onText` is told all that has come of the answer's body, whenever more of it comes. */
export type Question = {
  method: "GET" | "POST";
  url: string;
  headers?: { [name: string]: string };
  type?: string;
  body?: string;
  timeoutMs: number;
  onText?: (text: string) => void;
};

/** What came of it, also where it broke off. `status` is 0 where no head came; `error` says why, as far as it is known. */
export type Reply = {
  status: number;
  text: string;
  type: string;
  encoding: string;
  retrySeconds: number;
  error: string;
};

/** Asks, and calls back once. */
export type Ask = (question: Question, done: (reply: Reply) => void) => void;

/** What the doctor needs from where it runs, a page or a terminal. */
export type Hands = {
  /** The site's URL, without a slash at its end. */
  base: string;
  host: string;
  isTls: boolean;
  outside: Environment;
  parse(text: string): unknown;
  ask: Ask;
  /** The same by way of an iframe, where there are any. */
  askFrame?: Ask;
  /** Is `onText` called before the end? */
  seesStreams: boolean;
  /** How this place speaks HTTP, as far as it knows. */
  http(): string;
  /** Lasting tests at the same time: browsers have six connections for one host, old ones two. */
  lanes: number;
};
