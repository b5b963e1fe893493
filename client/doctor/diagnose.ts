import type { DoctorFault, DoctorStep } from "../../protocol/doctor.ts";
import type { AnswerOutcome, Findings, LastingFinding, StreamFinding } from "./findings.ts";

/**
 * A fault and the step that found it. `figure` is the status for `foreign` and `refused`, seconds
 * for `slow`, `cut`, `cut_poll` and `lifetime`, bytes for `post_size`, characters for `url`, a
 * number of requests for `connections` and `unsteady`, else 0.
 */
export type Fault = { code: DoctorFault; step: DoctorStep; figure: number };

/**
 * The sentence for the visitor.
 * - `fine`: nothing is wrong.
 * - `around`: there is a fault, but chattera works around it at full speed.
 * - `poll`: streams do not get through, so chattera polls.
 * - `unseen`: this browser cannot read streams, so chattera polls.
 * - `foreign`: another program answers.
 * - `name`, `path`: chattera answers, but not under this host name, or not at this path.
 * - `silent`: nothing answers.
 * - `busy`: the site was too busy for the tests that decide.
 */
export type Sentence = "fine" | "around" | "poll" | "unseen" | "foreign" | "name" | "path" | "silent" | "busy";

/**
 * The meaning of the findings. Messages may be `lateSeconds` late. `grade` is the exit code in a
 * terminal: 0 fine, 1 impaired, 2 unreachable.
 */
export type Diagnosis = { sentence: Sentence; lateSeconds: number; grade: 0 | 1 | 2; faults: Fault[] };

/**
 * Required by chattera: a URL of 2000 characters for GET, and 2000 × 6 bytes for the longest
 * message, escaped.
 */
const URL_NEEDED = 2000;
const POST_NEEDED = 16_384;

/** One request is held, one sends, and one is for a page or another tab. [IE7] opens only two. */
const CONNECTIONS_NEEDED = 3;
const OLD_CONNECTIONS = 2;

/** One or two requests of fifty may fail on any network. */
const STUMBLES_MIN = 3;

/** How long a client waits for the first frame of a stream. */
const SLOW_MS = 3_000;

/** Returns what findings mean. A pure function, used by the page and the terminal. */
export function diagnose(findings: Findings): Diagnosis {
  const { reach } = findings;
  if (findings.reachCode !== undefined && reach !== "ok")
    return unreachable(findings.reachCode === "wrong_host" ? "name" : "path", "refused", findings.reachStatus);
  if (reach === "foreign" || reach === "refused") return unreachable("foreign", "foreign", findings.reachStatus);
  if (findings.untested?.reach) return { sentence: "busy", lateSeconds: 0, grade: 1, faults: [] };
  if (reach !== "ok") return unreachable("silent", "silent");
  const faults = streamFaults(findings).concat(lastingFaults(findings), requestFaults(findings), siteFaults(findings));
  const sentence = sentenceOf(findings, faults);
  return {
    sentence,
    lateSeconds: lateSeconds(sentence, findings),
    grade: faults.length > 0 || sentence === "busy" ? 1 : 0,
    faults,
  };
}

function unreachable(sentence: Sentence, code: DoctorFault, figure = 0): Diagnosis {
  return { sentence, lateSeconds: 0, grade: 2, faults: [fault("reach", code, figure)] };
}

function sentenceOf(findings: Findings, faults: Fault[]): Sentence {
  const tried = streamsOf(findings);
  if (!isDecided(findings)) return "busy";
  if (tried.length === 0 || isAnyPassing(tried)) return faults.length > 0 ? "around" : "fine";
  if (findings.frame !== undefined && isPassing(findings.frame)) return faults.length > 0 ? "around" : "fine";
  return isAllUnseen(tried) ? "unseen" : "poll";
}

/**
 * A poll is answered at once and followed at once by the next: 2 s. On a single connection it has
 * to wait its turn: 10 s.
 */
function lateSeconds(sentence: Sentence, findings: Findings): number {
  if (sentence !== "poll" && sentence !== "unseen") return 0;
  return findings.atOnce === 1 ? 10 : 2;
}

function streamFaults(findings: Findings): Fault[] {
  const { eventStream } = findings;
  const tried = streamsOf(findings);
  const faults: Fault[] = [];
  if (tried.length === 0) return faults;
  if (isAnyPassing(tried)) {
    if (eventStream !== undefined && !isPassing(eventStream)) faults.push(fault("eventStream", "held_event_stream"));
    for (let i = 0; i < tried.length; i++) {
      const stream = tried[i] as StreamFinding;
      if (!isPassing(stream)) continue;
      if (stream.outcome === "late") faults.push(fault("eventStream", "late"));
      if (stream.firstMs > SLOW_MS) faults.push(fault("eventStream", "slow", Math.ceil(stream.firstMs / 1000)));
      break;
    }
  } else if (isDecided(findings) && !isAllUnseen(tried)) faults.push(fault("eventStream", "held"));
  for (let i = 0; i < tried.length; i++)
    if ((tried[i] as StreamFinding).encoding !== "") {
      faults.push(fault("eventStream", "compressed"));
      break;
    }
  return faults;
}

/**
 * Cuts after more than 20 s of silence are shown but are no fault: chattera's streams are never
 * silent for over 15 s.
 */
function lastingFaults({ idle20, hold25, lifetime70 }: Findings): Fault[] {
  const faults: Fault[] = [];
  if (isBroken(idle20)) faults.push(fault("idle20", "cut", secondsOf(idle20)));
  if (isBroken(hold25)) faults.push(fault("hold25", "cut_poll", secondsOf(hold25)));
  if (isBroken(lifetime70)) faults.push(fault("lifetime70", "lifetime", secondsOf(lifetime70)));
  return faults;
}

function requestFaults(findings: Findings): Fault[] {
  const { headers, postJson, postForm, postText, postBytes, urlLength, stumbles, atOnce } = findings;
  const faults: Fault[] = [];
  if (findings.pathParams === false) faults.push(fault("params", "path"));
  if (findings.query === false) faults.push(fault("params", "query"));
  if (headers !== undefined && !(headers.Accept && headers.Authorization && headers["Last-Event-ID"]))
    faults.push(fault("headers", "headers"));
  if (findings.cookie === false) faults.push(fault("headers", "cookie"));
  if (findings.cachedPath) faults.push(fault("cache", "cached"));
  else if (findings.cachedQuery) faults.push(fault("cache", "cached_query"));
  if (isFailed(postJson)) {
    const isAll = isFailed(postForm) && isFailed(postText);
    faults.push(fault("post", isAll ? "post" : "post_json"));
  }
  if (postBytes !== undefined && postBytes < POST_NEEDED) faults.push(fault("size", "post_size", postBytes));
  if (urlLength !== undefined && urlLength < URL_NEEDED) faults.push(fault("size", "url", urlLength));
  if (stumbles !== undefined && stumbles >= STUMBLES_MIN) faults.push(fault("reach", "unsteady", stumbles));
  const needed = isAllUnseen(streamsOf(findings)) ? OLD_CONNECTIONS : CONNECTIONS_NEEDED;
  if (atOnce !== undefined && atOnce < needed) faults.push(fault("connections", "connections", atOnce));
  return faults;
}

function siteFaults(findings: Findings): Fault[] {
  const faults: Fault[] = [];
  if (findings.hostKnown === false) faults.push(fault("headers", "host"));
  if (findings.tlsKnown === false) faults.push(fault("headers", "tls"));
  return faults;
}

function fault(step: DoctorStep, code: DoctorFault, figure = 0): Fault {
  return { code, step, figure };
}

/** Returns the streams that a script reads. Today's browsers do not need the one in an iframe. */
function streamsOf({ eventStream, octetStream, postStream }: Findings): StreamFinding[] {
  const streams: StreamFinding[] = [];
  if (eventStream !== undefined) streams.push(eventStream);
  if (octetStream !== undefined) streams.push(octetStream);
  if (postStream !== undefined) streams.push(postStream);
  return streams;
}

/**
 * Is it known whether any stream gets through? Untested streams leave that open, unless another one
 * does.
 */
function isDecided(findings: Findings): boolean {
  const { untested } = findings;
  if (untested === undefined || isAnyPassing(streamsOf(findings))) return true;
  return !(untested.eventStream || untested.octetStream || untested.postStream);
}

function isPassing(stream: StreamFinding): boolean {
  return stream.outcome === "fine" || stream.outcome === "late";
}

function isAnyPassing(streams: StreamFinding[]): boolean {
  for (let i = 0; i < streams.length; i++) if (isPassing(streams[i] as StreamFinding)) return true;
  return false;
}

function isAllUnseen(streams: StreamFinding[]): boolean {
  if (streams.length === 0) return false;
  for (let i = 0; i < streams.length; i++) if ((streams[i] as StreamFinding).outcome !== "unseen") return false;
  return true;
}

function isBroken(finding: LastingFinding | undefined): finding is LastingFinding {
  return finding !== undefined && finding.outcome !== "fine";
}

function secondsOf({ ms }: LastingFinding): number {
  return Math.max(1, Math.floor(ms / 1000));
}

function isFailed(outcome: AnswerOutcome | undefined): boolean {
  return outcome !== undefined && outcome !== "ok";
}
