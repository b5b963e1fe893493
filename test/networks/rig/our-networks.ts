import { setTimeout as sleep } from "node:timers/promises";
import { type BadProxy, openBadProxy } from "../../support/bad-proxy.ts";
import { cache } from "./cache.ts";
import { closeAfterEach, cutAfter, cutEndlessAfter, jitter, speakOldHttp } from "./cut.ts";
import { holdBlocks, holdFirst, holdWhole, onePieceLate } from "./hold.ts";
import { type Network, type Running, WITHIN_DEAD_MS } from "./network.ts";
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
import { aSpellOf, atFirst } from "./spell.ts";
import { strip, stripQuery, withoutQuery } from "./strip.ts";
import { forgetIdle, forgetOld, openWire, resetAtRandom, type Strand } from "./wire.ts";

const SECOND = 1_000;
const KB = 1_024;

const HOLDING = [
  ours("holds whole answers", "as a virus scanner does", holdWhole),
  ours("holds the first 4 KB", "gives nothing of an answer before", holdFirst(4 * KB)),
  ours("holds the first 16 KB", "gives nothing of an answer before", holdFirst(16 * KB)),
  ours("holds the first 64 KB", "gives nothing of an answer before", holdFirst(64 * KB)),
  ours("holds 4 KB blocks", "gives answers in whole blocks", holdBlocks(4 * KB)),
  ours("holds 16 KB blocks", "gives answers in whole blocks", holdBlocks(16 * KB)),
  ours("one piece late", "gives each piece when the next one comes", onePieceLate),
];

const CUTTING = [
  ours("cuts after 5 s", "breaks every exchange of this age", cutAfter(5 * SECOND)),
  ours("cuts after 10 s", "breaks every exchange of this age", cutAfter(10 * SECOND)),
  ours("cuts after 4 KB", "breaks answers of no declared length there", cutEndlessAfter(4 * KB)),
  ours("cuts after 16 KB", "breaks answers of no declared length there", cutEndlessAfter(16 * KB)),
  ours("closes after each answer", "keeps no connection", closeAfterEach),
  ours("HTTP/1.0", "no chunks, no kept connections", speakOldHttp),
  ours("HTTP/1.0, holds whole answers", "old and careful", speakOldHttp, holdWhole),
  ours("jitter", "requests and pieces come up to 0.5 s late, requests overtake each other", jitter(500)),
  { ...remembering("two connections", "more requests of one person wait for their turn", () => atMost(2)), each: true },
];

const WIRES = [
  wire(
    "forgets idle connections",
    "after 8 s of silence nothing passes any more, and nobody is told",
    forgetIdle(8 * SECOND),
  ),
  wire("half-open", "a connection of 5 s passes nothing any more, and nobody is told", forgetOld(5 * SECOND)),
  wire("resets", "each connection is reset at an age of 1 to 6 s", resetAtRandom(SECOND, 6 * SECOND)),
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
  ours("streams 403", "lets no text/event-stream pass", refuseStreams(403)),
  ours("streams 404", "lets no text/event-stream pass", refuseStreams(404)),
  ours("streams 406", "lets no text/event-stream pass", refuseStreams(406)),
  ours("streams as pages", "says that event streams are text/html", callStreamsPages),
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
  remembering("caches", "keeps answers to GET for 30 s by URL", () => cache(30 * SECOND, ({ path }) => path)),
  remembering("caches without the query", "keeps answers to GET for 30 s by path", () =>
    cache(30 * SECOND, withoutQuery),
  ),
  ours("repeats POSTs", "every POST comes twice, at once", repeatPosts),
];

const STRUCK: Network[] = [
  struck("login page for 5 s", "200 for everything", 5 * SECOND, showLoginPage),
  struck(
    "502 for 5 s",
    "for everything",
    5 * SECOND,
    refuse(502, () => true),
  ),
  out("refuses for 5 s", "connections are broken, new ones refused", 5 * SECOND, (proxy) => proxy.refuse()),
  out("refuses for 20 s", "connections are broken, new ones refused", 20 * SECOND, (proxy) => proxy.refuse()),
  {
    ...out("black hole for 5 s", "nothing passes, nobody is told", 5 * SECOND, (proxy) => proxy.blackHole()),
    withinMs: WITHIN_DEAD_MS,
  },
  {
    ...out("black hole for 20 s", "nothing passes, nobody is told", 20 * SECOND, (proxy) => proxy.blackHole()),
    withinMs: WITHIN_DEAD_MS,
  },
  {
    name: "site killed",
    does: "kill -9 and a new start",
    ownSite: true,
    start: async (site) => ({ ...(await openProxy(site.url)), strike: site.killAndRestart }),
  },
  {
    name: "site killed behind nginx",
    does: "the same, nginx answers 502 meanwhile",
    ownSite: true,
    program: NGINX,
    start: async (site) => ({ ...(await startNginx(site.url, "")), strike: site.killAndRestart }),
  },
];

/** Networks made of a proxy of ours that misbehaves on purpose, and one of nothing, to compare with. */
export const OUR_NETWORKS: Network[] = [
  ours("nothing", "a proxy that does all it should"),
  ...HOLDING,
  ...CUTTING,
  ...WIRES,
  ...STRIPPING,
  ...REFUSING,
  ...NOW_AND_THEN,
  ...CACHING,
  ...STRUCK,
];

function ours(name: string, does: string, ...misbehaviours: Misbehaviour[]): Network {
  return { name, does, start: ({ url }) => openProxy(url, ...misbehaviours) };
}

/** What remembers requests begins anew with each start. */
function remembering(name: string, does: string, create: () => Misbehaviour): Network {
  return { name, does, start: ({ url }) => openProxy(url, create()) };
}

function wire(name: string, does: string, befall: (strand: Strand) => void): Network {
  return { name, does, withinMs: WITHIN_DEAD_MS, start: ({ url }) => openWire(url, befall) };
}

function struck(name: string, does: string, ms: number, misbehave: Misbehaviour): Network {
  const start: Network["start"] = async ({ url }) => {
    const spell = aSpellOf(ms, misbehave);
    return { ...(await openProxy(url, spell.misbehave)), strike: spell.strike };
  };
  return { name, does, start };
}

function out(name: string, does: string, ms: number, begin: (proxy: BadProxy) => Promise<void> | void): Network {
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
