import type { DoctorStep } from "../../protocol/doctor.ts";

/**
 * How a stream came through.
 * - `late`: each frame arrived only with the next one.
 * - `held`: everything arrived only with the end.
 * - `cut`: the stream broke off.
 * - `silent`: nothing arrived.
 * - `refused`: the status was not 200, or the type was wrong.
 * - `foreign`: another page arrived in its place.
 * - `unseen`: this browser shows a stream to scripts only after its end.
 */
export type StreamOutcome = "fine" | "late" | "held" | "cut" | "silent" | "refused" | "foreign" | "unseen";

/**
 * The finding about a kind of stream: `firstMs` until its first frame; `encoding` is its
 * Content-Encoding or "".
 */
export type StreamFinding = { outcome: StreamOutcome; status: number; firstMs: number; encoding: string };

/**
 * `ok`: chattera answered. `foreign`: another program did. `refused`: a status of 400 or more.
 * `silent`: no answer.
 */
export type AnswerOutcome = "ok" | "foreign" | "refused" | "silent";

/**
 * How a silence or a long stream ended: as it should, cut after `ms`, or with nothing more ever
 * arriving.
 */
export type LastingFinding = { outcome: "fine" | "cut" | "silent"; ms: number };

/**
 * Everything the doctor found. Untried steps are missing. Holds nobody's address, name or cookie.
 */
export type Findings = {
  /**
   * The steps that could not run because the site was too busy. They say nothing about the path.
   */
  untested?: { [step in DoctorStep]?: true };
  reach?: AnswerOutcome;
  /** The status of a foreign answer, and the error of a missing one, if known. */
  reachStatus?: number;
  /** The code of a refusal that chattera itself answered: there is no site at this address. */
  reachCode?: string;
  reachError?: string;
  roundTripMs?: number;
  /** Did parameters in the path (`;name=value`) and in the query arrive? */
  pathParams?: boolean;
  query?: boolean;
  cookie?: boolean;
  /** Does a POST carry its Origin? Old browsers send none. */
  origin?: boolean;
  /** Which request headers arrived. */
  headers?: { [name: string]: boolean };
  /** Do server and browser agree on the site's name, and on whether the site is reached by TLS? */
  hostKnown?: boolean;
  tlsKnown?: boolean;
  /** Did a cache answer: for the same URL twice, and for two URLs that differ only in the query? */
  cachedPath?: boolean;
  cachedQuery?: boolean;
  postJson?: AnswerOutcome;
  postForm?: AnswerOutcome;
  postText?: AnswerOutcome;
  /** Requests that failed although the same request, or one like it, succeeded. */
  stumbles?: number;
  /** The longest body, in bytes, and the longest URL, in characters, that arrived. */
  postBytes?: number;
  urlLength?: number;
  /** How many of seven held requests were open at the same time. Missing if some failed. */
  atOnce?: number;
  eventStream?: StreamFinding;
  octetStream?: StreamFinding;
  postStream?: StreamFinding;
  frame?: StreamFinding;
  /**
   * An answer held for 25 s, like a poll's; silences of 20, 45 and 70 s within a stream; and a
   * stream of 70 s.
   */
  hold25?: LastingFinding;
  idle20?: LastingFinding;
  idle45?: LastingFinding;
  idle70?: LastingFinding;
  lifetime70?: LastingFinding;
  /**
   * The HTTP version that the browser speaks ("" if unknown) and the one that reaches the server.
   */
  httpHere?: string;
  httpThere?: string;
  /** The number of proxies in Via and in X-Forwarded-For. */
  via?: number;
  forwarded?: number;
};
