import type { Answer, Ask } from "../core/base/http.ts";

const NONE: Answer = { status: 0, text: "" };

let isIgnored = false;

/** Requests by XMLHttpRequest, as the browsers before fetch have it. */
export const ask: Ask = ({ method, url, type, body, token, timeoutMs }, done) => {
  const request = createRequest();
  let isOver = false;
  // [IE7] has no timeout of its own
  let timer = setTimeout(fail, timeoutMs);
  const isSent = send(
    request,
    method,
    url,
    type,
    body,
    () => {
      if (request?.readyState === 4) settle(answerOf(request));
    },
    token,
  );
  if (!isSent) {
    clearTimeout(timer);
    timer = setTimeout(fail, 0);
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
    clearTimeout(timer);
    hangUp(request);
  }
};

/** [IE6] has it as ActiveX only, [IE7] where its own is switched off; where ActiveX is off as well, there is none. */
export function createRequest(): XMLHttpRequest | undefined {
  try {
    return typeof XMLHttpRequest === "undefined" ? new ActiveXObject("Microsoft.XMLHTTP") : new XMLHttpRequest();
  } catch (_isForbidden) {
    return undefined;
  }
}

/** Ignores what requests report from now on, or no longer does. */
export function ignoreAnswers(is: boolean): void {
  isIgnored = is;
}

/** Begins a request, `token` as `Authorization: Bearer`; says whether that was possible: offline, or in a strict zone, IE throws. */
export function send(
  request: XMLHttpRequest | undefined,
  method: string,
  url: string,
  type: string | undefined,
  body: string | undefined,
  changed: () => void,
  token?: string,
): boolean {
  if (request === undefined) return false;
  try {
    request.open(method, url, true);
    // [IE6] after open(), or a used one stays silent
    request.onreadystatechange = () => {
      if (!isIgnored) changed();
    };
    if (type !== undefined) request.setRequestHeader("Content-Type", type);
    if (token !== undefined) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.send(body ?? null);
    return true;
  } catch (_isRefused) {
    return false;
  }
}

/** Ends a request in whatever state. [IE6] abort() calls back as if it were answered; null is no handler there. */
export function hangUp(request: XMLHttpRequest | undefined): void {
  if (request === undefined) return;
  request.onreadystatechange = nothing;
  request.abort();
}

function answerOf(request: XMLHttpRequest): Answer {
  try {
    const { status, responseText: text } = request;
    // [IE6–9] 204 is told as 1223, a failed connection as one of Windows' own numbers from 12000 on
    const answer: Answer = { status: status === 1223 ? 204 : status > 999 ? 0 : status, text };
    const seconds = parseInt(request.getResponseHeader("Retry-After") || "", 10);
    if (seconds >= 0) answer.retryMs = Math.min(seconds, 300) * 1000;
    return answer;
  } catch (_isCut) {
    // [Firefox 3] to look at what was cut off throws
    return NONE;
  }
}

function nothing(): void {}
