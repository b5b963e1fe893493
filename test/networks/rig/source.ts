import { once } from "node:events";
import { createServer, get, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { constants, createGunzip } from "node:zlib";
import { until } from "../../support/until.ts";

/** What a source was asked. */
export type Request = { method: string; url: string; headers: IncomingHttpHeaders; body: string };

/** A server for tests of the networks themselves: it tells what it was asked, and streams what a test writes. */
export type Source = {
  url: string;
  requests: Request[];
  /** The stream that somebody has asked for at `/stream`. */
  stream(): Promise<ServerResponse>;
  close(): Promise<void>;
};

/**
 * Opens a source. `/silent` is never answered, and whatever is asked for beside it and `/stream` is answered with the
 * request, as JSON.
 */
export async function openSource(type = "text/event-stream"): Promise<Source> {
  const requests: Request[] = [];
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
    stream: () => until("somebody asks for a stream", () => streams.shift()),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** What somebody has received of an answer so far. */
export type Received = {
  status?: number;
  version?: string;
  headers: IncomingHttpHeaders;
  text: string;
  end?: "whole" | "broken";
  /** Gives the request up. */
  leave(): void;
};

/** Asks for something and gives what is received, as it is received. */
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
