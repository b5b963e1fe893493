import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { PATHS } from "../../protocol/paths.ts";
import { siteRoutes } from "../../server/app.ts";
import { clientId, openSite, person, type TestSite } from "../support/app.ts";
import {
  bytesOf,
  KILLERS,
  type OddPlace,
  type OddRequest,
  type OddTarget,
  oddRequest,
  PLACES,
} from "../support/odd-requests.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";

type Route = { method: string; path: string };

/** The limit for the delay of other requests. */
const DELAY_MS = 100;

/** An answer that takes longer counts as held, like a poll's. */
const HELD_MS = 1_000;

let site: TestSite;
/** A process of its own, so that the test's own work is not measured. */
let tested: SiteProcess;
let probe: Socket;
let routes: Route[];
let token: string;
let spareToken: string;

beforeAll(async () => {
  site = await openSite();
  tested = await startSite(site.databaseUrl, { TRUST_PROXY: "loopback" });
  probe = await open();
  token = (await person(tested.url, "Odd")).token;
  spareToken = (await person(tested.url, "Spare")).token;
  const { app } = site.nodes[0] as TestSite["nodes"][0];
  routes = siteRoutes(app.site).flatMap(({ method, path }) => [path].flat().map((one) => ({ method, path: one })));
}, 30_000);

afterAll(async () => {
  probe.destroy();
  await endSites();
  await site.close();
});

async function open(): Promise<Socket> {
  const socket = connect(Number(new URL(tested.url).port), "127.0.0.1");
  await once(socket, "connect");
  return socket.setNoDelay();
}

/** Returns how long another client waits for an answer at the moment. */
async function probeMs(): Promise<number> {
  const askedAt = performance.now();
  probe.write("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  await once(probe, "data");
  return performance.now() - askedAt;
}

/** Returns the longest wait while there are no other requests. */
async function quietMs(): Promise<number> {
  let longest = 0;
  for (let n = 0; n < 50; n += 1) longest = Math.max(longest, await probeMs());
  return longest;
}

/**
 * Sends a request, and requests /healthz on another connection repeatedly until it is answered.
 */
async function send(bytes: Buffer): Promise<{ status: number; delayMs: number }> {
  const socket = await open();
  let status: number | undefined;
  socket.once("data", (answer) => {
    status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer.toString("latin1"))?.[1]);
  });
  // A body that is too large is not read to its end.
  socket.on("error", () => undefined);
  socket.once("close", () => {
    status ??= 0;
  });
  const sentAt = performance.now();
  socket.write(bytes);
  let delayMs = 0;
  while (status === undefined && performance.now() - sentAt < HELD_MS) delayMs = Math.max(delayMs, await probeMs());
  socket.destroy();
  return { status: status ?? 200, delayMs };
}

function targetOf({ method, path }: Route): OddTarget {
  const named = path.replace("{/after=:after}", "").replace(":refresh", "10").replace(":file", "x");
  const fields = {
    nickname: "Odd",
    text: "odd",
    id: clientId(),
    slug: clientId(),
    room: "lobby",
    wait: "0",
    hold: "0",
  };
  // Ending the session also ends the test's own.
  return { method, path: named, token: path === PATHS.sessionEnd ? spareToken : token, fields };
}

/** Throws if the answer to a request is wrong, or if others waited too long. */
async function check(odd: OddRequest, route: Route): Promise<void> {
  const bytes = bytesOf(odd, targetOf(route));
  let { status, delayMs } = await send(bytes);
  // The machine may have been busy: compare again with the time without the request.
  for (let tries = 0; delayMs > DELAY_MS && tries < 3; tries += 1) {
    const noiseMs = await quietMs();
    ({ status, delayMs } = await send(bytes));
    delayMs -= noiseMs;
  }
  worstMs = Math.max(worstMs, delayMs);
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const said = JSON.stringify({ ...route, ...odd });
  if (status === 0 || status >= 500) throw new Error(`answered ${status}: ${said}`);
  if (delayMs > DELAY_MS) throw new Error(`delayed others by ${Math.round(delayMs)} ms: ${said}`);
}

let worstMs = 0;
const statuses = new Map<number, number>();

function routesThatRead(place: OddPlace): Route[] {
  if (place.in === "body") return routes.filter(({ method }) => method === "POST");
  return place.in === "room" ? routes.filter(({ path }) => path.includes(":room")) : routes;
}

test("its premise: nobody waits long while nothing happens", async () => {
  const longest: number[] = [];
  // A busy machine may interrupt one or two measurements.
  while (longest.length < 5 && !longest.some((ms) => ms < DELAY_MS)) longest.push(await quietMs());
  process.stderr.write(`quiet: at most ${longest.map((ms) => ms.toFixed(1)).join(", ")} ms\n`);
  expect(Math.min(...longest)).toBeLessThan(DELAY_MS);
});

test("64 kB of anything that is slow to read, in every part, delays nobody by more than 100 ms", async () => {
  let n = 0;
  for (const place of PLACES) {
    const readers = routesThatRead(place);
    for (const pieces of KILLERS) {
      await check({ place, pieces, inTurn: false }, readers[n % readers.length] as Route);
      n += 1;
    }
  }
  // The premise: not all of them are refused before they reach a route.
  for (const status of [200, 201, 303, 400, 401, 404, 413, 415]) expect([...statuses.keys()]).toContain(status);
}, 120_000);

test("any bytes in any part of any route are answered, never as an internal error, and delay nobody", async () => {
  await fc.assert(
    fc.asyncProperty(oddRequest, fc.nat(), (odd, n) => check(odd, routes[n % routes.length] as Route)),
    { numRuns: 800, interruptAfterTimeLimit: 15_000 },
  );
  process.stderr.write(`worst delay: ${worstMs.toFixed(1)} ms ${JSON.stringify([...statuses])}\n`);
}, 40_000);
