import { setTimeout as sleep } from "node:timers/promises";
import { type BadProxy, openBadProxy } from "../../support/bad-proxy.ts";
import { openForwardProxy } from "../../support/forward-proxy.ts";
import { cache } from "./cache.ts";
import { closeAfterEach, cutAfter, cutEndlessAfter, jitter, speakOldHttp } from "./cut.ts";
import { holdBlocks, holdFirst, holdWhole, onePieceLate } from "./hold.ts";
import { atFirst, incidentOf, nowAndThen } from "./incident.ts";
import { type HostileNetwork, type Running, WITHIN_DEAD_MS } from "./network.ts";
import { NGINX, startNginx } from "./nginx.ts";
import { type Misbehaviour, openProxy } from "./proxy.ts";
import { atMost } from "./queue.ts";
import {
  callStreamsPages,
  isJson,
  isNeitherGetNorPost,
  isPost,
  refuse,
  refuseNowAndThen,
  refuseStreams,
  showLoginPage,
} from "./refuse.ts";
import { repeatPosts } from "./repeat.ts";
import {
  callSuccess200,
  delayUploads,
  encodePath,
  endEarly,
  flushEvery,
  hasParams,
  inSmallPieces,
  insertScripts,
  isBodyLonger,
  isUrlLonger,
  markTexts,
  scanAgain,
  stripParams,
  swallowPosts,
} from "./rewrite.ts";
import { strip, stripQuery, withoutQuery } from "./strip.ts";
import {
  forgetIdle,
  forgetOld,
  loseNowAndThen,
  move,
  openWire,
  resetAtRandom,
  type Strand,
  slowDownlink,
  slowUplink,
} from "./wire.ts";

const SECOND = 1_000;
const KB = 1_024;

const HOLDING = [
  ours("holds whole answers", "as a virus scanner does", holdWhole),
  ours("holds the first 4 KB", "passes nothing of an answer on before that", holdFirst(4 * KB)),
  ours("holds the first 16 KB", "passes nothing of an answer on before that", holdFirst(16 * KB)),
  ours("holds the first 64 KB", "passes nothing of an answer on before that", holdFirst(64 * KB)),
  ours("holds 4 KB blocks", "passes answers on in whole blocks", holdBlocks(4 * KB)),
  ours("holds 16 KB blocks", "passes answers on in whole blocks", holdBlocks(16 * KB)),
  ours("one piece late", "passes each piece on when the next one arrives", onePieceLate),
];

const CUTTING = [
  ours("cuts after 5 s", "breaks every connection this long after its request", cutAfter(5 * SECOND)),
  ours("cuts after 10 s", "breaks every connection this long after its request", cutAfter(10 * SECOND)),
  ours("cuts after 4 KB", "breaks answers without a Content-Length there", cutEndlessAfter(4 * KB)),
  ours("cuts after 16 KB", "breaks answers without a Content-Length there", cutEndlessAfter(16 * KB)),
  ours("closes after each answer", "keeps no connection", closeAfterEach),
  ours("HTTP/1.0", "no chunks, no kept connections", speakOldHttp),
  ours("HTTP/1.0, holds whole answers", "old, and scans answers", speakOldHttp, holdWhole),
  ours("jitter", "requests and pieces come up to 0.5 s late, requests overtake each other", jitter(500)),
  { ...remembering("two connections", "further requests of one person wait", () => atMost(2)), each: true },
];

const WIRES = [
  wire("forgets idle connections", "after 8 s of silence, drops everything without notice", forgetIdle(8 * SECOND)),
  wire("half-open", "after 5 s, a connection drops everything without notice", forgetOld(5 * SECOND)),
  wire("resets", "each connection is reset at an age of 1 to 6 s", resetAtRandom(SECOND, 6 * SECOND)),
];

// Slower than the two seconds by nature: a message and its way to the reader are two such ways.
const SLOW_MS = 5_000;

const LINES: HostileNetwork[] = [
  {
    name: "two connections, others wait",
    does: "serves two connections per person, and further ones when one is closed",
    each: true,
    start: ({ url }) => openWire(url, () => {}, 2),
  },
  {
    name: "office, two connections",
    does: "the same, without JSON and event streams, and holds whole answers",
    each: true,
    start: ({ url }) => behindTwo(() => openProxy(url, refuse(403, isJson), refuseStreams(403), holdWhole)),
  },
  wire("half-open after 5 to 7 s", "connections drop everything without notice", forgetOld(5 * SECOND, 7 * SECOND)),
  slow("jitter and loss", "150 to 650 ms, and 1.5 % of the pieces 2.5 s late", loseNowAndThen(150, 650)),
  slow("slow uplink", "1.5 kB/s", slowUplink(1_500)),
  slow("on the move", "300 ms to the site and back, and 2 s without a connection every 8 s", move),
  {
    name: "forward proxy only",
    does: "the site has no address but by a proxy that the environment names",
    isForClients: true,
    start: ({ url }) => forwardOnly(url),
  },
];

const STRIPPING = [
  ours("strips Last-Event-ID", "", strip("last-event-id")),
  ours("strips Accept", "", strip("accept")),
  ours("strips Authorization", "", strip("authorization")),
  ours("strips cookies", "", strip("cookie", "set-cookie")),
  ours(
    "strips Cache-Control",
    "and Pragma, Expires, X-Accel-Buffering",
    strip("cache-control", "pragma", "expires", "x-accel-buffering"),
  ),
  ours(
    "strips Origin",
    "and Referer and Sec-Fetch-*",
    strip("origin", "referer", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"),
  ),
  ours("strips the query", "", stripQuery),
  ours(
    "strips all of these",
    "",
    stripQuery,
    strip("last-event-id", "accept", "authorization", "cookie", "set-cookie", "cache-control", "origin", "referer"),
  ),
];

const noJson = refuse(403, isJson);
const REFUSING = [
  ours("GET and POST only", "405 for others", refuse(405, isNeitherGetNorPost)),
  ours("no JSON", "403 for JSON bodies", noJson),
  ours("no POST, 403", "with a page", refuse(403, isPost)),
  ours("no POST, 405", "with a page", refuse(405, isPost)),
  ours("office, no JSON", "403 for JSON bodies, holds whole answers", noJson, holdWhole),
  ours("office, no POST, 403", "and holds whole answers", refuse(403, isPost), holdWhole),
  ours("office, no POST, 405", "and holds whole answers", refuse(405, isPost), holdWhole),
  ours("streams 403", "refuses text/event-stream", refuseStreams(403)),
  ours("streams 404", "refuses text/event-stream", refuseStreams(404)),
  ours("streams 406", "refuses text/event-stream", refuseStreams(406)),
  ours("streams as pages", "relabels event streams as text/html", callStreamsPages),
];

const NOW_AND_THEN = [
  ...[407, 429, 502, 503, 504].map((status) =>
    remembering(`now and then ${status}`, "for every fourth request", () => refuseNowAndThen(4, status)),
  ),
  remembering("now and then any", "every third request 407, 429, 502, 503 or 504", () =>
    refuseNowAndThen(3, 407, 429, 502, 503, 504),
  ),
  remembering("login page at first", "200 for everything during the first 5 s", () =>
    atFirst(5 * SECOND, showLoginPage),
  ),
];

const CACHING = [
  remembering("caches", "caches answers to GET for 30 s by URL", () => cache(30 * SECOND, ({ path }) => path)),
  remembering("caches without the query", "caches answers to GET for 30 s by path", () =>
    cache(30 * SECOND, withoutQuery),
  ),
  ours("repeats POSTs", "sends every POST twice, at the same time", repeatPosts),
];

const REWRITING = [
  ours("strips path parameters", "all that follows a semicolon", stripParams),
  ours("no path parameters", "403 for paths with a semicolon", refuse(403, hasParams)),
  ours("encodes paths", "semicolons, equals signs and tildes", encodePath),
  ours("URLs of 512 characters", "414 for longer ones", refuse(414, isUrlLonger(512))),
  ours("bodies of 1 KB", "413 for longer ones", refuse(413, isBodyLonger(KB))),
  ours("bodies of 200 bytes", "413 for longer ones", refuse(413, isBodyLonger(200))),
  ours("says 200", "for 201 and 204", callSuccess200),
  // A message waits for the one before it, and takes a second itself.
  { ...ours("uploads 1 s late", "scans bodies", delayUploads(SECOND)), withinMs: SLOW_MS },
  ours("swallows POSTs", "never answers them", swallowPosts),
  ours("small pieces", "61 bytes at a time", inSmallPieces(61)),
  ours("flushes every second", "passes answers on once a second", flushEvery(SECOND)),
  ours("byte order marks", "before each text", markTexts),
  ours("inserts scripts", "into pages", insertScripts),
  ours("scans each URL again", "1 s later, without cookies", scanAgain(SECOND)),
  ours("ends answers early", "after 4 KB, as if they were whole", endEarly(4 * KB)),
  remembering("now and then a login page", "200 for every third request", () => nowAndThen(3, showLoginPage)),
  wire("slow downlink", "3 kB/s", slowDownlink(3_000)),
];

const STRUCK: HostileNetwork[] = [
  struck("login page for 5 s", { does: "200 for everything", ms: 5 * SECOND }, showLoginPage),
  struck(
    "502 for 5 s",
    { does: "for everything", ms: 5 * SECOND },
    refuse(502, () => true),
  ),
  out("refuses for 5 s", { does: "connections are broken, new ones refused", ms: 5 * SECOND }, (proxy) =>
    proxy.refuse(),
  ),
  out("refuses for 20 s", { does: "connections are broken, new ones refused", ms: 20 * SECOND }, (proxy) =>
    proxy.refuse(),
  ),
  {
    ...out("black hole for 5 s", { does: "drops everything without notice", ms: 5 * SECOND }, (proxy) =>
      proxy.blackHole(),
    ),
    withinMs: WITHIN_DEAD_MS,
  },
  {
    ...out("black hole for 20 s", { does: "drops everything without notice", ms: 20 * SECOND }, (proxy) =>
      proxy.blackHole(),
    ),
    withinMs: WITHIN_DEAD_MS,
  },
  {
    ...out("black hole for 25 s", { does: "drops everything without notice", ms: 25 * SECOND }, (proxy) =>
      proxy.blackHole(),
    ),
    withinMs: WITHIN_DEAD_MS,
  },
  {
    name: "site killed",
    does: "kill -9 and a restart",
    ownSite: true,
    start: async (site) => ({ ...(await openProxy(site.url)), strike: site.killAndRestart }),
  },
  {
    name: "site killed behind nginx",
    does: "the same, while nginx answers 502",
    ownSite: true,
    program: NGINX,
    start: async (site) => ({ ...(await startNginx(site.url, "")), strike: site.killAndRestart }),
  },
];

/** Networks made of a proxy that misbehaves on purpose, and a correct one for comparison. */
export const OUR_NETWORKS: HostileNetwork[] = [
  ours("nothing", "a proxy that behaves correctly"),
  ...HOLDING,
  ...CUTTING,
  ...WIRES,
  ...LINES,
  ...STRIPPING,
  ...REFUSING,
  ...NOW_AND_THEN,
  ...CACHING,
  ...REWRITING,
  ...STRUCK,
];

function ours(name: string, does: string, ...misbehaviours: Misbehaviour[]): HostileNetwork {
  return { name, does, start: ({ url }) => openProxy(url, ...misbehaviours) };
}

/** For a misbehavior with a memory, which starts empty with each network. */
function remembering(name: string, does: string, create: () => Misbehaviour): HostileNetwork {
  return { name, does, start: ({ url }) => openProxy(url, create()) };
}

function wire(name: string, does: string, befall: (strand: Strand) => void): HostileNetwork {
  return { name, does, withinMs: WITHIN_DEAD_MS, start: ({ url }) => openWire(url, befall) };
}

function slow(name: string, does: string, befall: (strand: Strand) => void): HostileNetwork {
  return { ...wire(name, does, befall), withinMs: SLOW_MS };
}

/** Starts a network that serves two connections at once. */
async function behindTwo(start: () => Promise<Running>): Promise<Running> {
  const far = await start();
  const near = await openWire(far.url, () => {}, 2);
  return {
    url: near.url,
    close: async () => {
      await near.close();
      await far.close();
    },
  };
}

/**
 * Starts a forward proxy, and names it in the environment, for hosts that are not on this machine.
 */
async function forwardOnly(target: string): Promise<Running> {
  const proxy = await openForwardProxy(target);
  Object.assign(process.env, { HTTP_PROXY: proxy.url, NO_PROXY: "127.0.0.1" });
  return {
    url: `http://only-by-a-proxy.test:${new URL(target).port}`,
    close: async () => {
      delete process.env.HTTP_PROXY;
      delete process.env.NO_PROXY;
      await proxy.close();
    },
  };
}

type Lasting = { does: string; ms: number };

function struck(name: string, { does, ms }: Lasting, misbehave: Misbehaviour): HostileNetwork {
  const start: HostileNetwork["start"] = async ({ url }) => {
    const incident = incidentOf(ms, misbehave);
    return { ...(await openProxy(url, incident.misbehave)), strike: incident.strike };
  };
  return { name, does, start };
}

function out(name: string, { does, ms }: Lasting, begin: (proxy: BadProxy) => Promise<void> | void): HostileNetwork {
  const start = async ({ url }: { url: string }): Promise<Running> => {
    const proxy = await openBadProxy(url);
    const strike = async () => {
      await begin(proxy);
      await sleep(ms);
      await proxy.pass();
    };
    return { url: new URL(proxy.through(url)).origin, strike, close: proxy.close };
  };
  return { name, does, start };
}
