/// <reference types="node" />
// Only the types of Node's modules are imported, since the package's script has to load in
// browsers.
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import type { Socket } from "node:net";
import type { Connections } from "../transports/fetch.ts";
import { proxyFor, proxyProof } from "./proxy.ts";
import { createTunnel } from "./tunnel.ts";

// Some networks serve two connections and let further ones wait.
const MOST = 2;
const REDIRECTS = 5;
const SHORTEST_AGE_MS = 1_000;
const SHORTEST_PAUSE_MS = 500;

/** How a site is reached, and how old and how idle its connections may become. */
type Route = {
  proxy: URL | undefined;
  agents: { [protocol: string]: Agent };
  longestAgeMs: number;
  longestPauseMs: number;
  times: WeakMap<Socket, Times>;
  /** Tunnels through the proxy that are not open yet. */
  opening: Set<ClientRequest>;
};

/** A request, as for fetch. */
type Asked = { route: Route; url: URL; init: RequestInit };

/** When a connection began, when its last request began, and when it was free before that. */
type Times = { bornAt: number; usedAt: number; freeAt: number };

/**
 * Creates a client's own connections to a site in Node: two at most, an idle open one first,
 * through the proxy that the environment names. Node's own fetch would rather open another one, and
 * an attempt that was given up would keep its place in the queue of a network. `undefined` in an
 * environment that is not Node.
 */
export function openConnections(site: URL): Connections | undefined {
  if (!isNode()) return undefined;
  const route: Route = {
    proxy: proxyFor(site, process.env),
    agents: {},
    longestAgeMs: Number.POSITIVE_INFINITY,
    longestPauseMs: Number.POSITIVE_INFINITY,
    times: new WeakMap(),
    opening: new Set(),
  };
  return {
    fetch: (url, init) => follow({ route, url: new URL(url), init }, REDIRECTS),
    closeIdle() {
      for (const agent of Object.values(route.agents)) closeIdle(agent);
    },
    close() {
      for (const agent of Object.values(route.agents)) agent.destroy();
    },
  };
}

// Deno and Bun have a process too, and connections of their own that honor the same variables.
function isNode(): boolean {
  if (typeof process === "undefined" || typeof process.getBuiltinModule !== "function") return false;
  const { bun } = process.versions;
  return bun === undefined && !("Deno" in globalThis);
}

/** Makes a request, and those to which the site redirects it. */
async function follow(asked: Asked, left: number): Promise<Response> {
  const { url, init } = asked;
  const response = await exchange(asked, { mayRepeat: true });
  const location = response.headers.get("Location");
  if (response.status < 301 || response.status > 308 || response.status === 304 || !location) return response;
  if (left === 0) throw new Error("too many redirects");
  await response.body?.cancel();
  // [Fetch 4.4] Only 307 and 308 keep a POST as it is.
  const next = response.status < 307 && init.method === "POST" ? { signal: init.signal ?? null } : init;
  return follow({ ...asked, url: new URL(location, url), init: next }, left - 1);
}

function exchange(asked: Asked, { mayRepeat }: { mayRepeat: boolean }): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { route, init } = asked;
    const { signal, body } = init;
    signal?.throwIfAborted();
    const request = open(asked);
    const giveUp = () => {
      if (signal?.reason === "silence") learn(route, request);
      if (request.socket === null) for (const tunnel of route.opening) tunnel.destroy();
      request.destroy(new Error("given up"));
    };
    let isAnswered = false;
    signal?.addEventListener("abort", giveUp);
    request.once("close", () => signal?.removeEventListener("abort", giveUp));
    request.once("socket", (socket) => note(route, socket));
    request.once("response", (message) => {
      isAnswered = true;
      resolve(responseOf(message));
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      // The other side was just closing an idle connection. Every request may be repeated.
      const wasClosing = request.reusedSocket && error.code === "ECONNRESET" && !isAnswered;
      if (wasClosing && mayRepeat) exchange(asked, { mayRepeat: false }).then(resolve, reject);
      else reject(error);
    });
    request.end(body as string | undefined);
  });
}

function open({ route, url, init }: Asked): ClientRequest {
  const { method = "GET", headers } = init;
  const { proxy } = route;
  const http = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http");
  const agent = agentOf(route, url);
  const options: RequestOptions = { agent, method, headers: { ...(headers as { [name: string]: string }) } };
  closeOld(route, agent);
  if (proxy === undefined || url.protocol === "https:") return http.request(url, options);
  // [RFC 9112 3.2.2] Proxies that refuse tunnels to other ports than 443 pass this on.
  const { hostname, port } = proxy;
  const through = process.getBuiltinModule(proxy.protocol === "https:" ? "node:https" : "node:http");
  Object.assign(options.headers as object, { Host: url.host }, proxyProof(proxy));
  return through.request({ ...options, hostname, port, path: url.href });
}

/** Returns the agent for a protocol, which is the proxy's if that takes whole URLs. */
function agentOf(route: Route, { protocol }: URL): Agent {
  const { proxy, agents, times, opening } = route;
  const isSecure = (protocol === "https:" ? protocol : (proxy?.protocol ?? protocol)) === "https:";
  const existing = agents[protocol];
  if (existing !== undefined) return existing;
  const { Agent } = process.getBuiltinModule(isSecure ? "node:https" : "node:http");
  const agent = new Agent({ keepAlive: true, maxSockets: MOST, scheduling: "lifo" });
  if (proxy !== undefined && protocol === "https:")
    Object.assign(agent, { createConnection: createTunnel(proxy, opening) });
  agent.on("free", (socket: Socket) => {
    const known = times.get(socket);
    if (known !== undefined) known.freeAt = Date.now();
  });
  agents[protocol] = agent;
  return agent;
}

function responseOf(message: IncomingMessage): Response {
  const { Readable } = process.getBuiltinModule("node:stream");
  const { statusCode: status = 0, rawHeaders } = message;
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i] as string, rawHeaders[i + 1] as string);
  const isEmpty = status === 204 || status === 205 || status === 304;
  if (isEmpty) message.resume();
  // [Streams] An error of the connection is one of the body.
  return new Response(isEmpty ? null : (Readable.toWeb(message) as ReadableStream), { status, headers });
}

function note({ times }: Route, socket: Socket): void {
  const now = Date.now();
  times.set(socket, { bornAt: now, freeAt: now, ...times.get(socket), usedAt: now });
  socket.setNoDelay(true);
}

/**
 * A request died in silence on a connection that was used before: it was too old, or too long idle.
 */
function learn(route: Route, { socket, reusedSocket }: ClientRequest): void {
  const times = socket ? route.times.get(socket) : undefined;
  if (!reusedSocket || times === undefined) return;
  const { bornAt, freeAt, usedAt } = times;
  route.longestAgeMs = Math.min(route.longestAgeMs, Math.max(SHORTEST_AGE_MS, (usedAt - bornAt) * 0.8));
  route.longestPauseMs = Math.min(route.longestPauseMs, Math.max(SHORTEST_PAUSE_MS, (usedAt - freeAt) * 0.8));
}

function closeOld({ times, longestAgeMs, longestPauseMs }: Route, agent: Agent): void {
  const now = Date.now();
  const isOld = (socket: Socket) => {
    const { bornAt, freeAt } = times.get(socket) ?? { bornAt: now, freeAt: now };
    return now - bornAt > longestAgeMs || now - freeAt > longestPauseMs;
  };
  if (idleOf(agent).some(isOld)) closeIdle(agent);
}

function closeIdle(agent: Agent): void {
  for (const socket of idleOf(agent)) socket.destroy();
}

function idleOf({ freeSockets }: Agent): Socket[] {
  return Object.values(freeSockets).flatMap((sockets) => sockets ?? []);
}
