import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { pipeline, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { Running } from "./network.ts";

/** What somebody asks for. */
export type Asked = {
  method: string;
  path: string;
  headers: NodeJS.Dict<string | string[]>;
  body: Buffer;
  /** The connection it came by. */
  near: Socket;
  /** Whoever asked has gone, or has all of the answer. */
  over: AbortSignal;
};

/** What comes back. */
export type Answer = {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: Readable;
  /** The connection ends with this answer. */
  closes?: boolean;
  /** [RFC 1945] Told as HTTP/1.0: no chunks, the end of the connection is the end of the answer. */
  isOld?: boolean;
};

/** Passes a request on and brings the answer; what it throws breaks the connection. */
export type Pass = (asked: Asked) => Promise<Answer>;

/** Does something to requests or answers that it should not; what is passed on to `pass` is up to it. */
export type Misbehaviour = (asked: Asked, pass: Pass) => Promise<Answer>;

/** Opens an HTTP proxy to `target` with misbehaviours, the first of them nearest to the person. */
export async function openProxy(target: string, ...misbehaviours: Misbehaviour[]): Promise<Running> {
  return serve(misbehaviours.reduceRight<Pass>((pass, misbehave) => (asked) => misbehave(asked, pass), site(target)));
}

/** Translates for a forward proxy at `proxy`: who asks here speaks to the site by way of it. */
export async function openTranslator(target: string, proxy: string): Promise<Running> {
  const pass = site(proxy);
  return serve(({ headers, ...asked }) => {
    // The person believes to be at our address, the forward proxy must believe to be asked for the site's.
    const origin = headers.origin === undefined ? {} : { origin: new URL(target).origin };
    return pass({
      ...asked,
      path: target + asked.path,
      headers: { ...headers, ...origin, host: new URL(target).host },
    });
  });
}

/** [RFC 9110 7.6.1] Belong to one connection and are not passed on. */
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

function endToEnd(headers: Answer["headers"]): Answer["headers"] {
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

function deliver(answer: Answer, response: ServerResponse): void {
  const { status, headers, body } = answer;
  if (answer.isOld) {
    deliverOld(answer, response);
    return;
  }
  response.writeHead(status, answer.closes ? { ...headers, connection: "close" } : headers);
  response.flushHeaders();
  pipeline(body, response, (error) => error && response.destroy());
}

/** Node's own server speaks HTTP/1.1 only. */
function deliverOld({ status, headers, body }: Answer, response: ServerResponse): void {
  const socket = response.socket as Socket;
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? ""].flat().map((one) => `${name}: ${one}\r\n`),
  );
  socket.write(`HTTP/1.0 ${status} Told\r\n${lines.join("")}connection: close\r\n\r\n`, "latin1");
  pipeline(body, socket, () => socket.destroySoon());
}

/** An answer of the network's own. */
export function ownAnswer(status: number, html: string, headers: Answer["headers"] = {}): Answer {
  const body = Buffer.from(`<!DOCTYPE html><title>${status}</title><h1>${html}</h1>\n`);
  const own = { "content-type": "text/html; charset=utf-8", "content-length": String(body.length), ...headers };
  return { status, headers: own, body: Readable.from([body]) };
}
