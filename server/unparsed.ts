import type { Duplex } from "node:stream";

/** What Node's parser says of a request, and what is answered; all else is 400. */
const STATUSES: { [code: string]: string } = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

const BODY = JSON.stringify({ chattera: 1, type: "about:blank", title: "This is no HTTP request.", code: "malformed" });

/** Answers what is no request for the app to answer, with the headers that every answer carries, and hangs up. */
export function refuseUnparsed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const head = [
    `HTTP/1.1 ${STATUSES[error.code ?? ""] ?? "400 Bad Request"}`,
    "Content-Type: application/problem+json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(BODY)}`,
    "X-Content-Type-Options: nosniff",
    "Cache-Control: no-store, no-transform",
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${BODY}`);
}
