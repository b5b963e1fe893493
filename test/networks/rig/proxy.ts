import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { pipeline, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { Running } from "./network.ts";

/** A request at the proxy. */
export type ProxyRequest = {
  method: string;
  path: string;
  headers: NodeJS.Dict<string | string[]>;
  body: Buffer;
  /** The client's connection. */
  near: Socket;
  /** Aborted when the client has disconnected or has the whole answer. */
  over: AbortSignal;
};

/** The answer to a request. */
export type ProxyAnswer = {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: Readable;
  /** Is the connection closed after this answer? */
  closes?: boolean;
  /** [RFC 1945] Sent as HTTP/1.0: without chunks, so the end of the connection ends the answer. */
  isOld?: boolean;
};

/** Passes a request on and returns the answer. An error breaks the connection. */
export type Pass = (asked: ProxyRequest) => Promise<ProxyAnswer>;

/** Does something wrong to requests or answers. It decides what to pass on to `pass`. */
export type Misbehaviour = (asked: ProxyRequest, pass: Pass) => Promise<ProxyAnswer>;

/** Opens an HTTP proxy to `target` with misbehaviors, the first of them nearest to the client. */
export async function openProxy(target: string, ...misbehaviours: Misbehaviour[]): Promise<Running> {
  return serve(misbehaviours.reduceRight<Pass>((pass, misbehave) => (asked) => misbehave(asked, pass), site(target)));
}

/**
 * Opens a translator for the forward proxy at `proxy`: requests to it reach the site through that
 * proxy.
 */
export async function openTranslator(target: string, proxy: string): Promise<Running> {
  const pass = site(proxy);
  return serve(({ headers, ...asked }) => {
    // The client uses the translator's address, but the forward proxy must see the site's.
    const origin = headers.origin === undefined ? {} : { origin: new URL(target).origin };
    return pass({
      ...asked,
      path: target + asked.path,
      headers: { ...headers, ...origin, host: new URL(target).host },
    });
  });
}

/** [RFC 9110 7.6.1] Headers of a single connection, which are not passed on. */
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer"];

function site(target: string): Pass {
  const agent = new Agent({ keepAlive: false });
  const { hostname, port } = new URL(target);
  return ({ method, path, headers, body, over }) =>
    new Promise((resolve, reject) => {
      const length = body.length > 0 || method === "POST" ? { "content-length": String(body.length) } : {};
      const far = request({ agent, hostname, port, method, path, headers: { ...endToEnd(headers), ...length } });
      far.once("error", reject);
      far.once("response", (answer) => {
        answer.on("error", () => undefined);
        resolve({ status: answer.statusCode ?? 502, headers: endToEnd(answer.headers), body: answer });
      });
      over.addEventListener("abort", () => far.destroy());
      far.end(body);
    });
}

function endToEnd(headers: ProxyAnswer["headers"]): ProxyAnswer["headers"] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}

async function serve(pass: Pass): Promise<Running> {
  const server = createServer((near, response) => void carry(near, response, pass));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function carry(near: IncomingMessage, response: ServerResponse, pass: Pass): Promise<void> {
  const over = new AbortController();
  response.once("close", () => over.abort());
  response.on("error", () => undefined);
  try {
    const { method = "GET", url: path = "/", headers, socket } = near;
    const body = await buffer(near);
    const answer = await pass({ method, path, headers, body, near: socket, over: over.signal });
    if (over.signal.aborted) answer.body.destroy();
    else deliver(answer, response);
  } catch {
    response.destroy();
  }
}

function deliver(answer: ProxyAnswer, response: ServerResponse): void {
  const { status, headers, body } = answer;
  if (answer.isOld) {
    deliverOld(answer, response);
    return;
  }
  response.writeHead(status, answer.closes ? { ...headers, connection: "close" } : headers);
  response.flushHeaders();
  pipeline(body, response, (error) => error && response.destroy());
}

/** Node's server speaks HTTP/1.1 only, so this writes to the socket. */
function deliverOld({ status, headers, body }: ProxyAnswer, response: ServerResponse): void {
  const socket = response.socket as Socket;
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? ""].flat().map((one) => `${name}: ${one}\r\n`),
  );
  socket.write(`HTTP/1.0 ${status} Status\r\n${lines.join("")}connection: close\r\n\r\n`, "latin1");
  pipeline(body, socket, () => socket.destroySoon());
}

/** Returns an answer that comes from the network itself. */
export function ownAnswer(status: number, html: string, headers: ProxyAnswer["headers"] = {}): ProxyAnswer {
  const body = Buffer.from(`<!DOCTYPE html><title>${status}</title><h1>${html}</h1>\n`);
  const own = { "content-type": "text/html; charset=utf-8", "content-length": String(body.length), ...headers };
  return { status, headers: own, body: Readable.from([body]) };
}
