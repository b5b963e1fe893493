import { DOCTOR_HEADERS, type DoctorStep } from "../../protocol/doctor.ts";
import { createNonce } from "../core/base/environment.ts";
import type { Findings, LastingFinding, StreamFinding } from "./findings.ts";
import type { Hands } from "./hands.ts";
import { askEcho, type Echoed, isMomentary, openSite, type Params, type Site, type Trial } from "./site.ts";
import { judgeStream, runStream, type Stream } from "./stream-test.ts";

/** Is told what becomes of the examination. */
export type Watcher = {
  /** A step begins, or is done and has left what it found in `findings`. */
  onStep(step: DoctorStep, isDone: boolean, findings: Findings): void;
  /** All steps that are short are done; what comes now takes 70 s and is no matter of the visitor's. */
  onShort(findings: Findings): void;
  onDone(findings: Findings): void;
};

type Subject = { hands: Hands; site: Site; findings: Findings };

type Exam = Trial & { findings: Findings };

type Step = { name: DoctorStep; run(exam: Exam, done: () => void): void };

/**
 * Tries the path to the site, step by step, the lasting ones beside one another unless `isQuick`. Where nobody answers
 * or somebody else does, the first step is the last.
 */
export function examine(hands: Hands, isQuick: boolean, watcher: Watcher): void {
  const findings: Findings = {};
  const subject: Subject = { hands, site: openSite(hands), findings };
  const short = hands.askFrame === undefined ? SHORT : SHORT.concat([stream("frame", "html", "GET")]);
  runLanes(subject, [REACH], 1, watcher, () => {
    if (findings.reach !== "ok") watcher.onDone(findings);
    else
      runLanes(subject, short, 1, watcher, () => {
        watcher.onShort(findings);
        runLanes(subject, isQuick ? [] : LONG, hands.lanes, watcher, () => watcher.onDone(findings));
      });
  });
}

/** A refusal without Retry-After asks for this. */
const RETRY_SECONDS = 5;

/**
 * Runs steps, so many at once, and calls back when the last is done. A step that finds the site busy runs once more, as
 * a whole, after the time that the site asks for. If the site is busy again, the step is untested, and the steps that
 * follow wait no more.
 */
function runLanes(subject: Subject, steps: Step[], lanes: number, watcher: Watcher, done: () => void): void {
  const { hands, site, findings } = subject;
  let begun = 0;
  let ended = 0;
  if (steps.length === 0) done();
  else for (let i = 0; i < lanes; i++) next();

  function next(): void {
    const step = steps[begun];
    if (step === undefined) return;
    begun += 1;
    watcher.onStep(step.name, false, findings);
    run(step, true);
  }

  function run(step: Step, mayWait: boolean): void {
    let isOver = false;
    const busy = (retrySeconds: number) => {
      if (isOver) return;
      isOver = true;
      if (mayWait && findings.untested === undefined)
        hands.outside.later((retrySeconds || RETRY_SECONDS) * 1000, () => run(step, false));
      else {
        findings.untested = findings.untested ?? {};
        findings.untested[step.name] = true;
        end(step);
      }
    };
    step.run({ hands, site, findings, busy }, () => end(step));
  }

  function end(step: Step): void {
    findings.stumbles = site.stumbles;
    ended += 1;
    watcher.onStep(step.name, true, findings);
    if (ended === steps.length) done();
    else next();
  }
}

/** Who answers, with a nonce in the path; where that gets lost, in the query. */
const REACH: Step = {
  name: "reach",
  run: (trial, done) => {
    const { hands, site, findings } = trial;
    site.isInQuery = false;
    askEcho(trial, {}, (inPath) => {
      if (inPath.outcome === "ok") return found(inPath, true);
      site.isInQuery = true;
      askEcho(trial, {}, (inQuery) => found(inQuery.outcome === "ok" ? inQuery : inPath, false));
    });

    function found({ outcome, echo, reply, tookMs }: Echoed, pathParams: boolean): void {
      findings.reach = outcome;
      if (echo === undefined) {
        findings.reachStatus = reply.status;
        if (reply.error !== "") findings.reachError = reply.error;
      } else {
        findings.pathParams = pathParams;
        findings.roundTripMs = tookMs;
        findings.httpHere = hands.http();
        findings.httpThere = echo.http;
        findings.via = echo.via;
        findings.forwarded = echo.forwarded;
        findings.hostKnown = echo.host === hands.host;
        findings.tlsKnown = echo.secure === hands.isTls;
      }
      done();
    }
  },
};

const PARAMS: Step = {
  name: "params",
  run: (trial, done) => {
    const { site, findings } = trial;
    const behind = site.isInQuery ? "&q=1" : "?q=1";
    askEcho(trial, { behind }, ({ echo, tookMs }) => {
      if (echo !== undefined) {
        findings.query = echo.query;
        // the second question finds a connection open and shows the path's own time
        findings.roundTripMs = Math.min(findings.roundTripMs ?? tookMs, tookMs);
      } else findings.query = false;
      done();
    });
  },
};

/** One answer gives a cookie, the next tells whether it came back. */
const HEADERS: Step = {
  name: "headers",
  run: (trial, done) => {
    const { findings } = trial;
    askEcho(trial, { params: { set: "1" } }, () => {
      askEcho(trial, { headers: DOCTOR_HEADERS }, ({ echo }) => {
        if (echo !== undefined) {
          findings.headers = echo.headers;
          findings.cookie = echo.cookie;
        }
        done();
      });
    });
  },
};

/** The same URL twice must get two answers; and so must two URLs that differ in the query only. */
const CACHE: Step = {
  name: "cache",
  run: (trial, done) => {
    const { hands, site, findings } = trial;
    const nonce = createNonce(hands.outside);
    askTwice({ nonce }, { nonce }, (isSame) => {
      findings.cachedPath = isSame;
      if (findings.query === false || site.isInQuery) return done();
      const inPath = { n: createNonce(hands.outside) };
      const ask = (q: string) => ({ nonce: inPath.n, behind: `?q=${q}` });
      askTwice(ask("1"), ask("2"), (isSameQuery) => {
        findings.cachedQuery = isSameQuery;
        done();
      });
    });

    function askTwice(one: object, two: object, compared: (isSame: boolean) => void): void {
      askEcho(trial, one, (first) => {
        askEcho(trial, two, (second) => {
          compared(first.echo !== undefined && first.echo.stamp === second.echo?.stamp);
        });
      });
    }
  },
};

const json = (nonce: string) => `{"n":"${nonce}"}`;
const form = (nonce: string) => `n=${nonce}`;

/** The three kinds of body, of which a network may refuse some. */
const POST: Step = {
  name: "post",
  run: (trial, done) => {
    const { findings } = trial;
    post("application/json", json, (jsonOutcome) => {
      findings.postJson = jsonOutcome;
      post("application/x-www-form-urlencoded", form, (formOutcome) => {
        findings.postForm = formOutcome;
        post("text/plain", json, (textOutcome) => {
          findings.postText = textOutcome;
          done();
        });
      });
    });

    function post(type: string, body: (nonce: string) => string, posted: (outcome: Echoed["outcome"]) => void): void {
      askEcho(trial, { method: "POST", type, body }, ({ outcome, echo }) => {
        if (echo !== undefined) findings.origin = echo.origin;
        posted(outcome);
      });
    }
  },
};

const POST_BYTES = [1024, 16_384, 61_440];
const URL_LENGTHS = [500, 1000, 2000, 4000, 8000];

/** Bodies and URLs that grow until one does not arrive. */
const SIZE: Step = {
  name: "size",
  run: (trial, done) => {
    const { site, findings } = trial;
    const isForm = findings.postJson !== "ok" && findings.postForm === "ok";
    const type = isForm ? "application/x-www-form-urlencoded" : "application/json";
    const canPost = findings.postJson === "ok" || isForm;
    grow(canPost ? POST_BYTES : [], postOf, (postBytes) => {
      if (canPost) findings.postBytes = postBytes;
      grow(URL_LENGTHS, urlOf, (urlLength) => {
        findings.urlLength = urlLength;
        done();
      });
    });

    function postOf(bytes: number): object {
      const pad = letters(bytes - 40);
      const body = (nonce: string) => (isForm ? `n=${nonce}&pad=${pad}` : `{"n":"${nonce}","pad":"${pad}"}`);
      return { method: "POST", type, body };
    }

    function urlOf(length: number): object {
      const params: Params = { pad: letters(length - site.url("", {}).length - 60) };
      return { params };
    }

    function grow(sizes: number[], ask: (size: number) => object, grown: (longest: number) => void, at = 0): void {
      const longest = at > 0 ? (sizes[at - 1] as number) : 0;
      const size = sizes[at];
      if (size === undefined) grown(longest);
      else
        askEcho(trial, ask(size), ({ outcome }) => {
          if (outcome === "ok") grow(sizes, ask, grown, at + 1);
          else grown(longest);
        });
    }
  },
};

function letters(count: number): string {
  let text = "xxxxxxxx";
  while (text.length < count) text += text;
  return text.slice(0, count);
}

const AT_ONCE = 7;
const HOLD_MS = 1_500;

/** Seven requests that are held: those came together that came before the first one could be answered. */
const CONNECTIONS: Step = {
  name: "connections",
  run: (trial, done) => {
    const { site, findings } = trial;
    const cameAt: number[] = [];
    let answered = 0;
    for (let i = 0; i < AT_ONCE; i++)
      askEcho(trial, { params: { hold: String(HOLD_MS) }, timeoutMs: (AT_ONCE + 2) * HOLD_MS }, onAnswer, 1);

    function onAnswer({ echo }: Echoed): void {
      answered += 1;
      if (echo !== undefined) cameAt.push(echo.at);
      if (answered < AT_ONCE) return;
      site.stumbles += AT_ONCE - cameAt.length;
      if (cameAt.length === AT_ONCE) findings.atOnce = together(cameAt, HOLD_MS);
      done();
    }
  },
};

function together(cameAt: number[], withinMs: number): number {
  let first = cameAt[0] as number;
  for (let i = 1; i < cameAt.length; i++) first = Math.min(first, cameAt[i] as number);
  let count = 0;
  for (let i = 0; i < cameAt.length; i++) if ((cameAt[i] as number) < first + withinMs) count += 1;
  return count;
}

type StreamStep = "eventStream" | "octetStream" | "postStream" | "frame";

/** Frames half a second from each other, then a silence three times as long, by which late and held are told apart. */
function stream(name: StreamStep, kind: Stream["kind"], method: Stream["method"]): Step {
  const shape: Stream = { kind, method, frames: 3, gapMs: 500, quietMs: 1_500 };
  return { name, run: (exam, done) => tryStream(exam, name, shape, 2, done) };
}

function tryStream(exam: Exam, name: StreamStep, shape: Stream, tries: number, done: () => void): void {
  const { hands, site, findings } = exam;
  runStream(exam, shape, (run) => {
    // an iframe shows what it holds in any browser
    const finding: StreamFinding = judgeStream(run, shape, hands.seesStreams || name === "frame");
    if (tries > 1 && mayPass(finding)) {
      site.stumbles += 1;
      tryStream(exam, name, shape, tries - 1, done);
    } else {
      findings[name] = finding;
      done();
    }
  });
}

function mayPass({ outcome, status }: StreamFinding): boolean {
  return outcome === "cut" || outcome === "silent" || (outcome === "refused" && isMomentary(status));
}

const SHORT: Step[] = [
  PARAMS,
  HEADERS,
  CACHE,
  POST,
  SIZE,
  CONNECTIONS,
  stream("eventStream", "event-stream", "GET"),
  stream("octetStream", "octet-stream", "GET"),
  stream("postStream", "octet-stream", "POST"),
];

/** What lasts and fails within a second was not cut for lasting: three tries. */
const AT_ONCE_MS = 1_000;

/** An answer that is held as a poll's is. */
const HOLD: Step = { name: "hold25", run: (exam, done) => tryHold(exam, 3, done) };

function tryHold(exam: Exam, tries: number, done: () => void): void {
  const { site, findings } = exam;
  const about = { params: { hold: "25000" }, timeoutMs: 35_000 };
  const onAnswer = ({ outcome, tookMs }: Echoed) => {
    if (outcome !== "ok" && tookMs < AT_ONCE_MS && tries > 1) {
      site.stumbles += 1;
      tryHold(exam, tries - 1, done);
    } else {
      findings.hold25 = lastingFinding(outcome === "ok", tookMs, 25_000);
      done();
    }
  };
  askEcho(exam, about, onAnswer, 1);
}

type LastingStep = "idle20" | "idle45" | "idle70" | "lifetime70";

/** A stream that lasts: silent for long, or never silent. */
function lasting(name: LastingStep, frames: number, gapMs: number, quietMs: number): Step {
  return {
    name,
    run: (exam, done) => {
      const outcome = exam.findings.octetStream?.outcome;
      const kind = outcome === "refused" || outcome === "foreign" ? "event-stream" : "octet-stream";
      tryLasting(exam, name, { kind, method: "GET", frames, gapMs, quietMs }, 3, done);
    },
  };
}

function tryLasting(exam: Exam, name: LastingStep, shape: Stream, tries: number, done: () => void): void {
  const { site, findings } = exam;
  runStream(exam, shape, ({ isWhole, overMs }) => {
    if (!isWhole && overMs < AT_ONCE_MS && tries > 1) {
      site.stumbles += 1;
      tryLasting(exam, name, shape, tries - 1, done);
    } else {
      findings[name] = lastingFinding(isWhole, overMs, (shape.frames - 1) * shape.gapMs + shape.quietMs);
      done();
    }
  });
}

/** Of what was never heard of again nobody knows when it died: at the latest when it was due. */
function lastingFinding(isWhole: boolean, overMs: number, dueMs: number): LastingFinding {
  if (isWhole) return { outcome: "fine", ms: overMs };
  return overMs > dueMs ? { outcome: "silent", ms: dueMs } : { outcome: "cut", ms: overMs };
}

const LONG: Step[] = [
  HOLD,
  lasting("idle20", 1, 0, 20_000),
  lasting("idle45", 1, 0, 45_000),
  lasting("idle70", 1, 0, 70_000),
  lasting("lifetime70", 29, 2_500, 0),
];
