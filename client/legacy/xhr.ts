import type { Answer, Http, Request } from "../core/base/http.ts";
import { environment } from "../environment.ts";
import { json } from "./json.ts";

const NONE: Answer = { status: 0, text: "" };

let isIgnored = false;
// Unknown until the first request.
let isAllowed: boolean | undefined;

/** Requests by XMLHttpRequest, as browsers before fetch have it. */
export const http: Http = {
  json,
  ask(asked, done) {
    const request = createRequest();
    let isOver = false;
    // [IE7] It has no timeout of its own.
    let stopTimer = environment.later(asked.timeoutMs, fail);
    const isSent = send(request, asked, () => {
      if (request?.readyState === 4) settle(answerOf(request));
    });
    if (!isSent) {
      stopTimer();
      stopTimer = environment.later(0, fail);
    }
    return stop;

    function fail(): void {
      settle(NONE);
    }

    function settle(answer: Answer): void {
      if (isOver) return;
      stop();
      done(answer);
    }

    function stop(): void {
      isOver = true;
      stopTimer();
      hangUp(request);
    }
  },
};

/**
 * Creates a request. [IE6] has only ActiveX for it, and [IE7] too, if its own is switched off: then
 * it is missing or throws. Returns `undefined` if ActiveX is switched off as well.
 */
export function createRequest(): XMLHttpRequest | undefined {
  try {
    return new XMLHttpRequest();
  } catch (_isMissing) {
    return createByActiveX();
  }
}

function createByActiveX(): XMLHttpRequest | undefined {
  try {
    return new ActiveXObject("Microsoft.XMLHTTP");
  } catch (_isForbidden) {
    return undefined;
  }
}

/** Returns whether requests are impossible: there are none, or each one so far has thrown. */
export function isForbidden(): boolean {
  return isAllowed === false || createRequest() === undefined;
}

/** Ignores what requests report from now on, or stops to do so. */
export function ignoreAnswers(is: boolean): void {
  isIgnored = is;
}

/**
 * Sends a request. Returns whether that was possible: IE throws if it is offline or in a strict
 * zone.
 */
export function send(
  request: XMLHttpRequest | undefined,
  { method, url, type, body, token }: Pick<Request, "method" | "url" | "type" | "body" | "token">,
  changed: () => void,
): boolean {
  if (request === undefined) return false;
  try {
    request.open(method, url, true);
    // [IE6] Set after open(), or a used request stays silent.
    request.onreadystatechange = () => {
      if (!isIgnored) changed();
    };
    if (type !== undefined) request.setRequestHeader("Content-Type", type);
    if (token !== undefined) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.send(body || null);
    isAllowed = true;
    return true;
  } catch (_isRefused) {
    isAllowed = isAllowed === true;
    return false;
  }
}

/**
 * Aborts a request in any state. [IE6] abort() calls back as if it were answered, and null is no
 * handler.
 */
export function hangUp(request: XMLHttpRequest | undefined): void {
  if (request === undefined) return;
  request.onreadystatechange = nothing;
  try {
    request.abort();
  } catch (_isOver) {
    // [IE6] There was nothing to abort.
    return;
  }
}

function answerOf(request: XMLHttpRequest): Answer {
  try {
    const { status, responseText: text } = request;
    // [IE6–9] A 204 is reported as 1223, and a failed connection as a number of Windows from 12000
    // on.
    const answer: Answer = { status: status === 1223 ? 204 : status > 999 ? 0 : status, text };
    const seconds = parseInt(request.getResponseHeader("Retry-After") || "", 10);
    if (seconds >= 0) answer.retryMs = Math.min(seconds, 300) * 1000;
    return answer;
  } catch (_isCut) {
    // [Firefox 3] Reading a request that was cut off throws.
    return NONE;
  }
}

function nothing(): void {}
