import { expect, test } from "@jest/globals";
import { createHaste, inHaste } from "../../client/core/base/haste.ts";
import type { Answer, Request } from "../../client/core/base/http.ts";
import { createConversation, start } from "../../client/core/conversation.ts";
import { createSession } from "../../client/core/reading/session.ts";
import { createFakeSite } from "./fake-site.ts";
import { createWorld, type World } from "./world.ts";

const SECOND = 1_000;
const TRIP_MS = 20;
const QUESTION: Request = { method: "GET", url: "/", timeoutMs: 2_500, isQuick: true };

/** A browser that keeps connections, of which some have died, and uses those first. */
function openBrowser(world: World) {
  const browser = { dead: 0, tripMs: TRIP_MS, startedAt: [] as number[] };
  const { later, now } = world.environment;
  const ask = (request: Request, done: (answer: Answer) => void) => {
    browser.startedAt.push(now());
    const isDead = browser.dead > 0;
    if (isDead) browser.dead -= 1;
    const isLost = isDead || browser.tripMs > request.timeoutMs;
    return isLost
      ? later(request.timeoutMs, () => done({ status: 0, text: "" }))
      : later(browser.tripMs, () => done({ status: 200, text: "here" }));
  };
  const hasty = inHaste(createHaste(world.environment), ask);
  /** Returns the answer, and how long it took. */
  const answered = (request: Request = QUESTION) => {
    const from = now();
    const got: { answer?: Answer; afterMs?: number } = {};
    hasty(request, (answer) => Object.assign(got, { answer, afterMs: now() - from }));
    world.pass(5 * SECOND);
    return got;
  };
  return Object.assign(browser, { hasty, answered });
}

test("a request over connections that have died is repeated over the next ones, until one is answered", () => {
  const world = createWorld();
  const browser = openBrowser(world);
  browser.answered();
  browser.dead = 3;
  expect(browser.answered()).toEqual({
    afterMs: 500 + 2 * 300 + TRIP_MS,
    answer: { status: 200, text: "here", lostMs: 1_100 },
  });
  // Connections are known to die here now.
  browser.dead = 1;
  expect(browser.answered().afterMs).toBe(300 + TRIP_MS);
});

test("all repetitions together take no longer than the request may, and have failed then", () => {
  const world = createWorld();
  const browser = openBrowser(world);
  browser.answered();
  browser.dead = 100;
  expect(browser.answered()).toMatchObject({ afterMs: 2_500, answer: { status: 0 } });
  expect(browser.startedAt).toHaveLength(1 + 4);
});

test("a server that is slow for everybody gets few repetitions, and a slow line none", () => {
  const world = createWorld();
  const browser = openBrowser(world);
  browser.answered();
  browser.tripMs = 4 * SECOND;
  const from = browser.startedAt.length;
  for (let n = 0; n < 10; n += 1) browser.answered();
  expect(browser.startedAt.length - from).toBe(10 + 3);
  world.pass(60 * SECOND);
  browser.tripMs = 450;
  for (let n = 0; n < 10; n += 1) browser.answered();
  browser.tripMs = SECOND;
  const before = browser.startedAt.length;
  browser.answered();
  expect(browser.startedAt.length - before).toBe(1);
});

test("nothing is repeated before an answer is known, nor if it is held or given up", () => {
  const world = createWorld();
  const browser = openBrowser(world);
  browser.dead = 1;
  expect(browser.answered().afterMs).toBe(2_500);
  browser.answered();
  browser.dead = 1;
  expect(browser.answered({ ...QUESTION, isQuick: false }).afterMs).toBe(2_500);
  browser.dead = 2;
  const answers: Answer[] = [];
  const giveUp = browser.hasty(QUESTION, (answer) => answers.push(answer));
  world.pass(600);
  giveUp();
  world.pass(5 * SECOND);
  expect(answers).toEqual([]);
});

test("a dead stream of a busy room is found out within five seconds though the browser keeps dead connections", () => {
  const world = createWorld();
  const site = createFakeSite(world);
  const { environment } = world;
  let dead = 0;
  const conversation = createConversation({
    environment,
    http: {
      json: site.http.json,
      ask(request, done) {
        if (dead === 0) return site.http.ask(request, done);
        dead -= 1;
        return environment.later(request.timeoutMs, () => done({ status: 0, text: "" }));
      },
    },
    address: { base: "" },
    position: { room: "lobby", cursor: "c0", seq: 0 },
    streams: site.streams,
    store: { load: () => [], save() {} },
    rttMs: 10,
    hidden: () => false,
    memory: { load: () => undefined, save() {} },
    openSession: createSession,
  });
  const seen: { seq: number; at: number }[] = [];
  conversation.session.on("event", ({ seq }) => seen.push({ seq, at: environment.now() }));
  start(conversation);
  const talk = (forMs: number) => {
    for (let ms = 0; ms < forMs; ms += 250) {
      site.append();
      world.pass(250);
    }
  };
  talk(4 * SECOND);
  // A pause is not the pace of what follows it.
  world.pass(10 * SECOND);
  talk(SECOND);
  expect(conversation.session.phase()).toBe("streaming");
  site.deafen();
  dead = 3;
  const { seq } = site.append();
  const from = environment.now();
  talk(10 * SECOND);
  expect((seen.find((one) => one.seq === seq)?.at ?? Number.NaN) - from).toBeLessThan(5.2 * SECOND);
  expect(seen.map((one) => one.seq)).toEqual(site.log.map((one) => one.seq));
});
