import { once } from "node:events";
import { createServer, get, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { constants, createGunzip } from "node:zlib";
import { until } from "../../support/until.ts";

/** A request that a source has received. */
export type SourceRequest = { method: string; url: string; headers: IncomingHttpHeaders; body: string };

/**
 * A server for tests of the networks themselves. It records its requests and streams what a test
 * writes.
 */
export type TestSource = {
  url: string;
  requests: SourceRequest[];
  /** Resolves with the next stream that is requested at `/stream`. */
  stream(): Promise<ServerResponse>;
  close(): Promise<void>;
};

/**
 * Opens a source. It never answers `/silent`. It answers all other paths except `/stream` with the
 * request, as JSON.
 */
export async function openSource(type = "text/event-stream"): Promise<TestSource> {
  const requests: SourceRequest[] = [];
  const streams: ServerResponse[] = [];
  const server = createServer(async (request, response) => {
    const { method = "", url = "", headers } = request;
    const asked = { method, url, headers, body: await text(request) };
    requests.push(asked);
    if (url.startsWith("/stream")) {
      response.writeHead(200, { "content-type": type, "cache-control": "no-store", "x-accel-buffering": "no" });
      response.flushHeaders();
      streams.push(response);
    } else if (!url.startsWith("/silent")) {
      const body = JSON.stringify({ ...asked, number: requests.length });
      const length = { "content-length": Buffer.byteLength(body) };
      const headers = {
        ...length,
        "content-type": "application/json",
        "cache-control": "no-store",
        "set-cookie": "a=b",
      };
      response.writeHead(200, headers).end(body);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stream: () => until("a stream is requested", () => streams.shift()),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The part of an answer that has been received so far. */
export type Received = {
  status?: number;
  version?: string;
  headers: IncomingHttpHeaders;
  text: string;
  end?: "whole" | "broken";
  /** Cancels the request. */
  leave(): void;
};

/** Makes a GET request. Returns a record that is updated while the answer is received. */
export function receive(url: string, headers: IncomingHttpHeaders = {}): Received {
  const received: Received = { headers: {}, text: "", leave: () => request.destroy() };
  const request = get(url, { agent: false, headers }, (response) => {
    received.status = response.statusCode ?? 0;
    received.version = response.httpVersion;
    received.headers = response.headers;
    const isPacked = response.headers["content-encoding"] === "gzip";
    const body = isPacked ? response.pipe(createGunzip({ flush: constants.Z_SYNC_FLUSH })) : response;
    body.setEncoding("utf8").on("data", (piece: string) => {
      received.text += piece;
    });
    for (const stream of [response, body]) stream.on("error", () => undefined);
    response.on("close", () => {
      received.end = response.complete ? "whole" : "broken";
    });
  });
  request.on("error", () => {
    received.end ??= "broken";
  });
  return received;
}
