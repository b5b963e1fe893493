import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { DoctorReply, DoctorRequest, MakeRequest } from "../../client/doctor/environment.ts";

/**
 * Makes requests from a terminal. Like a browser it keeps connections and a cookie, and accepts
 * compression.
 */
export type TerminalClient = {
  request: MakeRequest;
  /** Returns the HTTP version of the last reply. */
  http(): string;
  close(): void;
};

/** Creates a client that reports each piece of a reply when it arrives. */
export function createTerminalClient(base: URL): TerminalClient {
  const isTls = base.protocol === "https:";
  const agent = new (isTls ? HttpsAgent : HttpAgent)({ keepAlive: true });
  let cookie = "";
  let version = "";
  return { request, http: () => version, close: () => agent.destroy() };

  function request(about: DoctorRequest, done: (reply: DoctorReply) => void): void {
    const reply: DoctorReply = { status: 0, text: "", type: "", encoding: "", retrySeconds: 0, error: "" };
    const outgoing = (isTls ? requestHttps : requestHttp)(about.url, {
      agent,
      method: about.method,
      headers: headersOf(about, base, cookie),
    });
    const timeout = setTimeout(() => end("timeout"), about.timeoutMs);
    let isOver = false;
    outgoing.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    outgoing.once("response", (answer) => {
      version = answer.httpVersion;
      cookie = answer.headers["set-cookie"]?.find((set) => set.startsWith("doctor="))?.split(";")[0] ?? cookie;
      reply.status = answer.statusCode ?? 0;
      reply.type = answer.headers["content-type"] ?? "";
      reply.encoding = answer.headers["content-encoding"] ?? "";
      reply.retrySeconds = Number(answer.headers["retry-after"]) || 0;
      answer.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      const body = unpacked(answer).setEncoding("utf8");
      body.on("data", (text: string) => {
        reply.text += text;
        if (!isOver) about.onText?.(reply.text);
      });
      body.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      body.once("end", () => end(""));
    });
    outgoing.end(about.body);

    function end(error: string): void {
      if (isOver) return;
      isOver = true;
      clearTimeout(timeout);
      reply.error = error;
      if (error !== "") outgoing.destroy();
      done(reply);
    }
  }
}

function headersOf(
  { method, headers, type, body }: DoctorRequest,
  base: URL,
  cookie: string,
): { [name: string]: string } {
  return {
    Accept: "*/*",
    "Accept-Encoding": "gzip, deflate, br",
    "User-Agent": "chattera-doctor",
    ...(method === "POST" ? { Origin: base.origin } : {}),
    ...(type === undefined ? {} : { "Content-Type": type }),
    ...(body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) }),
    ...(cookie === "" ? {} : { Cookie: cookie }),
    ...headers,
  };
}

/**
 * A compressed stream shows its frames if the proxy flushes; a stream that it holds back is a
 * finding.
 */
function unpacked(answer: IncomingMessage): IncomingMessage | Transform {
  const encoding = answer.headers["content-encoding"];
  if (encoding === "gzip" || encoding === "x-gzip") return answer.pipe(createGunzip());
  if (encoding === "deflate") return answer.pipe(createInflate());
  if (encoding === "br") return answer.pipe(createBrotliDecompress());
  return answer;
}
