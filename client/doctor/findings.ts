import type { DoctorStep } from "../../protocol/doctor.ts";

/**
 * How a stream came through. `late`: each frame only with the next one. `held`: all of it only with its end. `cut`: it
 * broke off. `silent`: nothing came. `refused`: another status than 200, or another type. `foreign`: another page came in its place.
 * `unseen`: this browser shows a stream to scripts only when it has ended.
 */
export type StreamOutcome = "fine" | "late" | "held" | "cut" | "silent" | "refused" | "foreign" | "unseen";

/** What one kind of stream did: its first frame came after `firstMs`; `encoding` is its Content-Encoding, "" for none. */
export type StreamFinding = { outcome: StreamOutcome; status: number; firstMs: number; encoding: string };

/** What became of an answer: `ok` is ours, `foreign` somebody else's, `refused` has another status, `silent` never came. */
export type AnswerOutcome = "ok" | "foreign" | "refused" | "silent";

/** What became of a silence or a long stream: it ended as it should, was cut after `ms`, or was never heard of again. */
export type LastingFinding = { outcome: "fine" | "cut" | "silent"; ms: number };

/** All that the doctor found; what was not tried is not there. No address, name or cookie of anybody is in it. */
export type Findings = {
  /** The steps that the site was too busy for: they say nothing about the path. */
  untested?: { [step in DoctorStep]?: true };
  reach?: AnswerOutcome;
  /** The status of the answer that was not ours, and the error of the one that never came, as far as it is known. */
  reachStatus?: number;
  reachError?: string;
  roundTripMs?: number;
  /** Did what stands in the path as `;name=value`, or in the query, arrive? */
  pathParams?: boolean;
  query?: boolean;
  cookie?: boolean;
  /** Does a POST tell where it comes from? Old browsers do not. */
  origin?: boolean;
  /** Which headers of a request arrived. */
  headers?: { [name: string]: boolean };
  /** Does the server know the site's name and that it is reached by TLS, as the browser does? */
  hostKnown?: boolean;
  tlsKnown?: boolean;
  /** Was the same URL answered twice with the same answer: with what makes it new in the path, and in the query? */
  cachedPath?: boolean;
  cachedQuery?: boolean;
  postJson?: AnswerOutcome;
  postForm?: AnswerOutcome;
  postText?: AnswerOutcome;
  /** Requests that failed in passing: the same again, or its like beside it, did not. */
  stumbles?: number;
  /** The longest body and URL that arrived. */
  postBytes?: number;
  urlLength?: number;
  /** Of seven held requests, so many were answered at once; not there where some failed. */
  atOnce?: number;
  eventStream?: StreamFinding;
  octetStream?: StreamFinding;
  postStream?: StreamFinding;
  frame?: StreamFinding;
  /** An answer held for 25 s as a poll's is, silences of so many seconds within a stream, and a stream of 70 s. */
  hold25?: LastingFinding;
  idle20?: LastingFinding;
  idle45?: LastingFinding;
  idle70?: LastingFinding;
  lifetime70?: LastingFinding;
  /** HTTP as the browser speaks it ("" where it does not say) and as it reaches the server. */
  httpHere?: string;
  httpThere?: string;
  /** Proxies that left their trace. */
  via?: number;
  forwarded?: number;
};
