import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createDatabase } from "../support/database.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let site: SiteProcess;
let common: { [name: string]: string };

beforeAll(async () => {
  database = await createDatabase();
  site = await startSite(database.url, { PORT: "0" });
  const ofTheApp = await fetch(`${site.url}/nowhere`, { headers: { accept: "application/json" } });
  common = Object.fromEntries([...ofTheApp.headers].filter(([name]) => !OWN.includes(name)));
});

afterAll(async () => {
  await endSites();
  await database.drop();
});

/** Headers whose values differ between any two answers. */
const OWN = ["date", "connection", "keep-alive", "content-length", "vary"];

/**
 * Sends bytes on a connection of their own, more of them when an answer begins, and reads until the
 * server hangs up.
 */
function send(
  bytes: string,
  more = "",
): Promise<{ status: number; headers: { [name: string]: string }; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(site.url).port), "127.0.0.1", () => socket.write(bytes));
    let text = "";
    socket.setEncoding("utf8").on("data", (part) => {
      if (text === "") socket.write(more);
      text += part;
    });
    socket.once("error", reject);
    socket.once("end", () => {
      const [head = "", body = ""] = text.split("\r\n\r\n");
      const [first = "", ...lines] = head.split("\r\n");
      const headers = Object.fromEntries(
        lines.map((line) => [line.split(": ")[0]?.toLowerCase(), line.split(": ")[1]]),
      );
      resolve({ status: Number(first.split(" ")[1]), headers, body });
    });
  });
}

test("its premise: the app's own refusals carry the headers of JSON", () => {
  expect(common).toEqual({
    "cache-control": "no-store",
    "content-type": "application/problem+json; charset=utf-8",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
  });
});

test.each([
  ["bytes that are no request", "nonsense\r\n\r\n", 400, "malformed"],
  ["a version that does not exist", "GET / HTTP/2.5\r\nHost: here\r\n\r\n", 400, "malformed"],
  ["two lengths", "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "malformed"],
  ["a head of 17 KB", `GET / HTTP/1.1\r\nHost: here\r\nX: ${"x".repeat(17_000)}\r\n\r\n`, 431, "too_large"],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400, "malformed"],
  [
    "chunks with long extensions",
    `POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1;${"x".repeat(17_000)}\r\nx\r\n0\r\n\r\n`,
    413,
    "too_large",
  ],
])("%s: the refusal carries the headers of the app's own", async (...[, bytes, status, code]) => {
  const answer = await send(bytes);
  expect(answer.headers).toMatchObject({ ...common, connection: "close" });
  expect([answer.status, JSON.parse(answer.body)]).toEqual([status, expect.objectContaining({ status, code })]);
});

test("an expectation that Node does not know is ignored", async () => {
  const answer = await send("GET /healthz HTTP/1.1\r\nHost: here\r\nExpect: wonders\r\nConnection: close\r\n\r\n");
  expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { status: "ok" }]);
});

test("bytes after a request that is being answered break the connection, and are not answered within the answer", async () => {
  const stream = "GET /api/doctor/stream?frames=2&gap=500 HTTP/1.1\r\nHost: here\r\n\r\n";
  const answer = await send(stream, "nonsense\r\n\r\n");
  expect(answer.status).toBe(200);
  expect(answer.body).not.toContain("HTTP request");
});
