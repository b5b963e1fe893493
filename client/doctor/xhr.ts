import { isOwn } from "../../protocol/own.ts";
import type { DoctorReply, DoctorRequest, MakeRequest } from "./environment.ts";

/**
 * Does this browser show a reply before its end? [IE10] was the first of Internet Explorer, with
 * XMLHttpRequest 2.
 */
export function seesStreams(): boolean {
  const xhr = newRequest();
  return xhr !== undefined && "onprogress" in xhr;
}

/** Makes a request by XMLHttpRequest of any age. */
export const requestByXhr: MakeRequest = (request, done) => {
  const xhr = newRequest();
  if (xhr === undefined) setTimeout(() => done(NONE), 0);
  else exchange(xhr, request, done);
};

const NONE: DoctorReply = { status: 0, text: "", type: "", encoding: "", retrySeconds: 0, error: "network" };

function exchange(xhr: XMLHttpRequest, request: DoctorRequest, done: (reply: DoctorReply) => void): void {
  let text = "";
  let isOver = false;
  const timeout = setTimeout(() => end(0, "timeout"), request.timeoutMs);
  xhr.onreadystatechange = onChange;
  try {
    xhr.open(request.method, request.url, true);
    setHeaders(xhr, request);
    xhr.send(request.body ?? null);
  } catch {
    // IE throws if it is offline or in a strict zone.
    setTimeout(() => end(0, "network"), 0);
  }

  function onChange(): void {
    if (isOver || xhr.readyState < 3) return;
    readText();
    if (xhr.readyState === 4) end(statusOf(xhr), "");
    else if (text !== "" && request.onText !== undefined) request.onText(text);
  }

  /** [IE7] throws before the end; afterwards the text of a broken reply is empty. */
  function readText(): void {
    try {
      if (xhr.responseText.length > text.length) text = xhr.responseText;
    } catch {
      // There is no text yet.
    }
  }

  function end(status: number, error: string): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(timeout);
    // [IE7] rejects null.
    xhr.onreadystatechange = nothing;
    if (error !== "") xhr.abort();
    const header = (name: string) => (status === 0 ? "" : (xhr.getResponseHeader(name) ?? ""));
    const reply: DoctorReply = {
      status,
      text,
      type: header("Content-Type"),
      encoding: header("Content-Encoding"),
      retrySeconds: Number(header("Retry-After")) || 0,
      error: status === 0 && error === "" ? "network" : error,
    };
    done(reply);
  }
}

function nothing(): void {}

/** Returns `undefined` in a browser where requests are switched off. */
function newRequest(): XMLHttpRequest | undefined {
  try {
    if (typeof XMLHttpRequest !== "undefined") return new XMLHttpRequest();
    // [IE6], and IE7 if native XMLHttpRequest is disabled.
    const ActiveX = (window as unknown as { ActiveXObject: new (name: string) => XMLHttpRequest }).ActiveXObject;
    return new ActiveX("Microsoft.XMLHTTP");
  } catch {
    return undefined;
  }
}

function setHeaders(xhr: XMLHttpRequest, { headers, type }: DoctorRequest): void {
  for (const name in headers) if (isOwn(headers, name)) xhr.setRequestHeader(name, headers[name] as string);
  if (type !== undefined) xhr.setRequestHeader("Content-Type", type);
}

/**
 * [IE7] 12002 to 12152 are Windows error codes for a missing reply, and reading the status may
 * throw.
 */
function statusOf(xhr: XMLHttpRequest): number {
  try {
    return xhr.status > 599 ? 0 : xhr.status;
  } catch {
    return 0;
  }
}
