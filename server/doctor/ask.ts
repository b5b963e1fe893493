import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { Ask, Question, Reply } from "../../client/doctor/hands.ts";

/** A terminal's way to ask: like a browser it keeps connections and a cookie, and takes compressed answers. */
export type Asker = {
  ask: Ask;
  /** The HTTP version of the last answer. */
  http(): string;
  close(): void;
};

/** Makes requests piece by piece, so that it is seen when each piece comes. */
export function createAsker(base: URL): Asker {
  const isTls = base.protocol === "https:";
  const agent = new (isTls ? HttpsAgent : HttpAgent)({ keepAlive: true });
  let cookie = "";
  let version = "";
  return { ask, http: () => version, close: () => agent.destroy() };

  function ask(question: Question, done: (reply: Reply) => void): void {
    const reply: Reply = { status: 0, text: "", type: "", encoding: "", retrySeconds: 0, error: "" };
    const request = (isTls ? requestHttps : requestHttp)(question.url, {
      agent,
      method: question.method,
      headers: headersOf(question, base, cookie),
    });
    const late = setTimeout(() => end("timeout"), question.timeoutMs);
    let isOver = false;
    request.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    request.once("response", (answer) => {
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
        if (!isOver) question.onText?.(reply.text);
      });
      body.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      body.once("end", () => end(""));
    });
    request.end(question.body);

    function end(error: string): void {
      if (isOver) return;
      isOver = true;
      clearTimeout(late);
      reply.error = error;
      if (error !== "") request.destroy();
      done(reply);
    }
  }
}

function headersOf({ method, headers, type, body }: Question, base: URL, cookie: string): { [name: string]: string } {
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

/** A compressed stream that flushes shows its frames; one that does not holds them, and that is what is looked for. */
function unpacked(answer: IncomingMessage): IncomingMessage | Transform {
  const encoding = answer.headers["content-encoding"];
  if (encoding === "gzip" || encoding === "x-gzip") return answer.pipe(createGunzip());
  if (encoding === "deflate") return answer.pipe(createInflate());
  if (encoding === "br") return answer.pipe(createBrotliDecompress());
  return answer;
}
