import { DOCTOR_HEADERS } from "../../protocol/doctor.ts";
import { createNonce } from "../core/base/environment.ts";
import { askEcho, type Echoed, type EchoRequest, type Params, refusalCode } from "./site.ts";
import type { Exam, ExamStep } from "./step.ts";

/** Finds out what answers, with a nonce in the path or, where that is lost, in the query. */
export const REACH: ExamStep = {
  name: "reach",
  run: (exam, done) => {
    const { site } = exam;
    site.isInQuery = false;
    askEcho(exam, {}, (inPath) => {
      if (inPath.outcome === "ok") return found(inPath, true);
      site.isInQuery = true;
      askEcho(exam, {}, (inQuery) => found(inQuery.outcome === "ok" ? inQuery : inPath, false));
    });

    function found(echoed: Echoed, isByPath: boolean): void {
      noteReach(exam, echoed);
      if (echoed.echo !== undefined) exam.findings.pathParams = isByPath;
      done();
    }
  },
};

function noteReach({ environment, findings }: Exam, { outcome, echo, reply, tookMs }: Echoed): void {
  findings.reach = outcome;
  if (echo === undefined) {
    findings.reachStatus = reply.status;
    const code = refusalCode(environment, reply);
    if (code !== undefined) findings.reachCode = code;
    if (reply.error !== "") findings.reachError = reply.error;
  } else {
    findings.roundTripMs = tookMs;
    findings.httpHere = environment.http();
    findings.httpThere = echo.http;
    findings.via = echo.via;
    findings.forwarded = echo.forwarded;
    findings.hostKnown = echo.host === environment.host;
    findings.tlsKnown = echo.secure === environment.isTls;
  }
}

const PARAMS: ExamStep = {
  name: "params",
  run: (exam, done) => {
    const { site, findings } = exam;
    const suffix = site.isInQuery ? "&q=1" : "?q=1";
    askEcho(exam, { suffix }, ({ echo, tookMs }) => {
      if (echo !== undefined) {
        findings.query = echo.query;
        // The second request finds an open connection and shows the round trip alone.
        findings.roundTripMs = Math.min(findings.roundTripMs ?? tookMs, tookMs);
      } else findings.query = false;
      done();
    });
  },
};

/** The first answer sets a cookie; the second says whether it came back. */
const HEADERS: ExamStep = {
  name: "headers",
  run: (exam, done) => {
    const { findings } = exam;
    askEcho(exam, { params: { set: "1" } }, () => {
      askEcho(exam, { headers: DOCTOR_HEADERS }, ({ echo }) => {
        if (echo !== undefined) {
          findings.headers = echo.headers;
          findings.cookie = echo.cookie;
        }
        done();
      });
    });
  },
};

/** The same URL must get two answers, and so must two URLs that differ only in the query. */
const CACHE: ExamStep = {
  name: "cache",
  run: (exam, done) => {
    const { environment, site, findings } = exam;
    const same = { nonce: createNonce(environment.clock) };
    askTwice(same, same, (isSame) => {
      findings.cachedPath = isSame;
      if (findings.query === false || site.isInQuery) return done();
      const nonce = createNonce(environment.clock);
      askTwice({ nonce, suffix: "?q=1" }, { nonce, suffix: "?q=2" }, (isSameQuery) => {
        findings.cachedQuery = isSameQuery;
        done();
      });
    });

    function askTwice(one: EchoRequest, two: EchoRequest, compared: (isSame: boolean) => void): void {
      askEcho(exam, one, (first) => {
        askEcho(exam, two, (second) => {
          compared(first.echo !== undefined && first.echo.stamp === second.echo?.stamp);
        });
      });
    }
  },
};

const json = (nonce: string) => `{"n":"${nonce}"}`;
const form = (nonce: string) => `n=${nonce}`;

/** Three kinds of body: a network may refuse one and let another through. */
const POST: ExamStep = {
  name: "post",
  run: (exam, done) => {
    const { findings } = exam;
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
      askEcho(exam, { method: "POST", type, body }, ({ outcome, echo }) => {
        if (echo !== undefined) findings.origin = echo.origin;
        posted(outcome);
      });
    }
  },
};

const POST_BYTES = [1024, 16_384, 61_440];
const URL_LENGTHS = [500, 1000, 2000, 4000, 8000];

/** Bodies and URLs that grow until one does not arrive. */
const SIZE: ExamStep = {
  name: "size",
  run: (exam, done) => {
    const { site, findings } = exam;
    const isForm = findings.postJson !== "ok" && findings.postForm === "ok";
    const type = isForm ? "application/x-www-form-urlencoded" : "application/json";
    const canPost = findings.postJson === "ok" || isForm;
    findLongest(exam, { sizes: canPost ? POST_BYTES : [], at: 0, requestOf: postOf }, (postBytes) => {
      if (canPost) findings.postBytes = postBytes;
      findLongest(exam, { sizes: URL_LENGTHS, at: 0, requestOf: urlOf }, (urlLength) => {
        findings.urlLength = urlLength;
        done();
      });
    });

    function postOf(bytes: number): EchoRequest {
      const pad = letters(bytes - 40);
      const body = (nonce: string) => (isForm ? `n=${nonce}&pad=${pad}` : `{"n":"${nonce}","pad":"${pad}"}`);
      return { method: "POST", type, body };
    }

    function urlOf(length: number): EchoRequest {
      const params: Params = { pad: letters(length - site.url("", {}).length - 60) };
      return { params };
    }
  },
};

type Growth = { sizes: number[]; at: number; requestOf(size: number): EchoRequest };

/** Makes a request of each size until one does not arrive. */
function findLongest(exam: Exam, { sizes, at, requestOf }: Growth, found: (longest: number) => void): void {
  const size = sizes[at];
  const end = () => found(sizes[at - 1] ?? 0);
  const grow = () => findLongest(exam, { sizes, at: at + 1, requestOf }, found);
  if (size === undefined) end();
  else askEcho(exam, requestOf(size), ({ outcome }) => (outcome === "ok" ? grow() : end()));
}

function letters(count: number): string {
  let text = "xxxxxxxx";
  while (text.length < count) text += text;
  return text.slice(0, count);
}

const AT_ONCE = 7;
const HOLD_MS = 1_500;

/**
 * Makes seven requests that are held. Those that arrive before the first can be answered were open
 * at the same time.
 */
const CONNECTIONS: ExamStep = {
  name: "connections",
  run: (exam, done) => {
    const { site, findings } = exam;
    const arrivedAt: number[] = [];
    let answered = 0;
    const about = { params: { hold: String(HOLD_MS) }, timeoutMs: (AT_ONCE + 2) * HOLD_MS, tries: 1 };
    for (let i = 0; i < AT_ONCE; i++) askEcho(exam, about, onAnswer);

    function onAnswer({ echo }: Echoed): void {
      answered += 1;
      if (echo !== undefined) arrivedAt.push(echo.at);
      if (answered < AT_ONCE) return;
      site.stumbles += AT_ONCE - arrivedAt.length;
      if (arrivedAt.length === AT_ONCE) findings.atOnce = countWithin(arrivedAt, HOLD_MS);
      done();
    }
  },
};

/** Returns how many of the times are within `ms` of the first. */
function countWithin(times: number[], ms: number): number {
  let first = times[0] as number;
  for (let i = 1; i < times.length; i++) first = Math.min(first, times[i] as number);
  let count = 0;
  for (let i = 0; i < times.length; i++) if ((times[i] as number) < first + ms) count += 1;
  return count;
}

/** The short steps that need no stream, in their order. */
export const REQUEST_STEPS: ExamStep[] = [PARAMS, HEADERS, CACHE, POST, SIZE, CONNECTIONS];
