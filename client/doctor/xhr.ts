import type { Ask, Question, Reply } from "./hands.ts";

/** Does this browser show an answer before its end? [IE10] first did, with what XMLHttpRequest learned then. */
export function seesStreams(): boolean {
  return "onprogress" in newRequest();
}

/** Asks by XMLHttpRequest, of any age. */
export const askXhr: Ask = (question, done) => {
  const request = newRequest();
  let text = "";
  let isOver = false;
  const late = setTimeout(() => end(0, "timeout"), question.timeoutMs);
  request.onreadystatechange = onChange;
  request.open(question.method, question.url, true);
  setHeaders(request, question);
  request.send(question.body ?? null);

  function onChange(): void {
    if (isOver || request.readyState < 3) return;
    readText();
    if (request.readyState === 4) end(statusOf(request), "");
    else if (text !== "" && question.onText !== undefined) question.onText(text);
  }

  /** [IE7] throws before the end; a broken answer's text is empty afterwards. */
  function readText(): void {
    try {
      if (request.responseText.length > text.length) text = request.responseText;
    } catch {
      // nothing to be seen yet
    }
  }

  function end(status: number, error: string): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(late);
    // [IE7] null is refused
    request.onreadystatechange = nothing;
    if (error !== "") request.abort();
    const header = (name: string) => (status === 0 ? "" : (request.getResponseHeader(name) ?? ""));
    const reply: Reply = {
      status,
      text,
      type: header("Content-Type"),
      encoding: header("Content-Encoding"),
      retrySeconds: Number(header("Retry-After")) || 0,
      error: status === 0 && error === "" ? "network" : error,
    };
    done(reply);
  }
};

function nothing(): void {}

function newRequest(): XMLHttpRequest {
  if (typeof XMLHttpRequest !== "undefined") return new XMLHttpRequest();
  // [IE6] and IE7 with native XMLHttpRequest switched off
  const ActiveX = (window as unknown as { ActiveXObject: new (name: string) => XMLHttpRequest }).ActiveXObject;
  return new ActiveX("Microsoft.XMLHTTP");
}

function setHeaders(request: XMLHttpRequest, question: Question): void {
  for (const name in question.headers) request.setRequestHeader(name, question.headers[name] as string);
  if (question.type !== undefined) request.setRequestHeader("Content-Type", question.type);
}

/** [IE7] 12002 to 12152 are Windows' own words for no answer, and asking for the status may throw. */
function statusOf(request: XMLHttpRequest): number {
  try {
    return request.status > 599 ? 0 : request.status;
  } catch {
    return 0;
  }
}
