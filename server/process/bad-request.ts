import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { COMMON_HEADERS } from "../guard/headers.ts";

type Refused = { status: number; code: string; title: string };

type Headers = { [name: string]: string };

type Answer = { status: number; headers: Headers; body: string };

const NO_REQUEST: Refused = { status: 400, code: "malformed", title: "This is no HTTP request." };

const NO_HOST: Refused = { ...NO_REQUEST, title: "The request names no host." };

/** The refusals by the code of an error of Node's parser. All other errors are 400. */
const REFUSED: { [code: string]: Refused } = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: "too_large",
    title: "The head of the request is too large.",
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    code: "too_large",
    title: "The chunks of the request are too large.",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: "malformed",
    title: "The request took too long to arrive.",
  },
};

/**
 * Answers requests that Node's parser refuses, so that these answers carry the common headers too.
 * Create the server with `requireHostHeader: false`: Node's own refusal cannot be intercepted.
 */
export function answerBadRequests(server: Server): void {
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const isUnderWay = (socket as AnsweringSocket)._httpMessage?.headersSent;
    if (!socket.writable || isUnderWay || error.code === "ECONNRESET") socket.destroy();
    else refuse(socket, answerOf(REFUSED[error.code ?? ""] ?? NO_REQUEST));
  });
  // [RFC 9110 10.1.1] A server may ignore an expectation that it does not know.
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
}

/**
 * Refuses a request without a Host, which HTTP/1.1 requires [RFC 9112 3.2]. Returns whether it did.
 */
export function isRefusedWithoutHost(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.headers.host !== undefined || request.httpVersion !== "1.1") return false;
  const { status, headers, body } = answerOf(NO_HOST);
  response.writeHead(status, headers).end(body);
  return true;
}

/** [node lib/_http_server.js] The answer that the socket is busy with. */
type AnsweringSocket = Socket & { _httpMessage?: ServerResponse | null };

function refuse(socket: Socket, { status, headers, body }: Answer): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
}

function answerOf({ status, code, title }: Refused): Answer {
  const body = JSON.stringify({ chattera: 1, type: "about:blank", title, status, code });
  const headers = {
    ...COMMON_HEADERS,
    "Content-Type": "application/problem+json; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
    Date: new Date().toUTCString(),
    Connection: "close",
  };
  return { status, headers, body };
}
