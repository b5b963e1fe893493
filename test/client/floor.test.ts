import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Conversation, createConversation, say, start, wake } from "../../client/core/conversation.ts";
import { createSession } from "../../client/core/reading/session.ts";
import type { Transport } from "../../client/core/reading/transport.ts";
import { createFakeSite, type FakeSite } from "./fake-site.ts";
import { createWorld, type World } from "./world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/**
 * The fate of a request. `throws`: the browser's own function throws; `at once`: it is answered
 * before the call returns; the others are answers of the site that make no sense.
 */
const MANNERS = ["good", "throws", "at once", "no list", "empty list", "nothing in it", "no signals"] as const;
type Manners = (typeof MANNERS)[number];

/** The fate of a stream. `nonsense`: its frames make no sense, but it opens. */
const STREAM_MANNERS = ["good", "throws", "at once", "nonsense"] as const;
type StreamManners = (typeof STREAM_MANNERS)[number];

type Page = {
  world: World;
  site: FakeSite;
  conversation: Conversation;
  seen: number[];
  manners: { asks: Manners; streams: StreamManners };
  /** When each request began. */
  began: number[];
};

function openPage(random?: () => number): Page {
  const world = createWorld(random);
  const site = createFakeSite(world);
  const page: Omit<Page, "conversation"> = {
    world,
    site,
    seen: [],
    manners: { asks: "good", streams: "good" },
    began: [],
  };
  const begin = () => page.began.push(world.environment.now());
  const { http } = site;
  const conversation = createConversation({
    environment: world.environment,
    http: {
      json: http.json,
      ask(request, done) {
        begin();
        const { asks } = page.manners;
        if (asks === "throws") throw new TypeError("blocked by an extension");
        if (asks === "good") return http.ask(request, done);
        const n = /;n=([^;]*)/.exec(request.url)?.[1];
        const answer = () => done({ status: 200, text: JSON.stringify({ chattera: 1, n, ...ANSWERS[asks] }) });
        if (asks !== "at once") return world.environment.later(0, answer);
        answer();
        return () => {};
      },
    },
    address: { base: "" },
    position: { room: "lobby", cursor: "c0", seq: 0 },
    streams: site.streams.map((stream) => spoilt(page, stream, begin)),
    store: { load: () => [], save() {} },
    rttMs: 100,
    hidden: () => false,
    memory: { load: () => undefined, save() {} },
    openSession: createSession,
  });
  conversation.session.on("event", ({ seq }) => page.seen.push(seq));
  return Object.assign(page, { conversation });
}

const ANSWERS: { [Name in Exclude<Manners, "good" | "throws">]: object } = {
  "at once": { events: [], signals: [], cursor: "c0" },
  "no list": { events: "none", signals: [], cursor: "c0" },
  "empty list": { events: [], signals: [], cursor: "c0" },
  "nothing in it": { events: [null], signals: [null], cursor: "c0" },
  "no signals": { events: [] },
};

function spoilt({ manners, world }: Pick<Page, "manners" | "world">, stream: Transport, begin: () => void): Transport {
  return {
    ...stream,
    open(reading, sink) {
      begin();
      if (manners.streams === "throws") throw new Error("no such thing");
      if (manners.streams === "good") return stream.open(reading, sink);
      if (manners.streams === "nonsense") {
        return world.environment.later(0, () => {
          sink("hello", { chattera: 1, n: reading.nonce } as never);
          sink("event", null as never);
          sink("ping", {} as never);
        });
      }
      sink("ended", { how: "cut" });
      return () => {};
    },
  };
}

/** Returns the most requests that began within some time. */
function most(began: number[], withinMs: number): number {
  return Math.max(0, ...began.map((at) => began.filter((other) => other >= at && other < at + withinMs).length));
}

describe("an idle page sends few requests", () => {
  test.each(STREAM_MANNERS)("if streams are %s", (streams) => {
    const page = openPage();
    page.manners.streams = streams;
    start(page.conversation);
    page.world.pass(MINUTE);
    expect(most(page.began, 5 * SECOND)).toBeLessThanOrEqual(15);
    expect(page.conversation.session.phase()).not.toBe("waiting");
    page.site.append();
    page.world.pass(SECOND);
    expect(page.seen).toEqual([1]);
  });

  test.each(MANNERS)("if other requests are %s", (asks) => {
    const page = openPage();
    start(page.conversation);
    page.world.pass(5 * SECOND);
    page.manners.asks = asks;
    page.site.cut();
    page.world.pass(MINUTE);
    expect(most(page.began, 5 * SECOND)).toBeLessThanOrEqual(15);
    page.manners.asks = "good";
    page.site.append();
    page.world.pass(MINUTE);
    expect(page.seen).toEqual([1]);
  });

  test("if the network comes and goes many times a second", () => {
    const page = openPage();
    start(page.conversation);
    page.world.pass(5 * SECOND);
    page.began.length = 0;
    for (let n = 0; n < 40; n++) {
      wake(page.conversation, true);
      page.world.pass(125);
    }
    expect(page.began.length).toBeLessThanOrEqual(24);
    page.world.pass(2 * SECOND);
    expect(page.conversation.session.phase()).toBe("streaming");
  });
});

test("whatever happens, ten requests in a second to read and ten to send are never exceeded", () => {
  const act = fc.oneof(
    fc.constantFrom(...MANNERS).map(
      (asks) =>
        ({ manners }: Page) =>
          void Object.assign(manners, { asks }),
    ),
    fc.constantFrom(...STREAM_MANNERS).map(
      (streams) =>
        ({ manners }: Page) =>
          void Object.assign(manners, { streams }),
    ),
    fc.boolean().map(
      (connectionsAreDead) =>
        ({ conversation }: Page) =>
          wake(conversation, connectionsAreDead),
    ),
    fc.integer({ min: 1, max: 20 }).map((count) => ({ site }: Page) => {
      for (let n = 0; n < count; n++) site.append();
    }),
    fc.constant(({ conversation }: Page) => void say(conversation, "hello")),
    fc.constant(({ site }: Page) => site.cut()),
    fc.integer({ min: 1, max: 2_000 }).map(
      (ms) =>
        ({ world }: Page) =>
          world.pass(ms),
    ),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), fc.double({ min: 0, max: 0.99, noNaN: true }), (acts, chance) => {
      const page = openPage(() => chance);
      start(page.conversation);
      for (const take of acts) take(page);
      expect(most(page.began, SECOND)).toBeLessThanOrEqual(20);
      expect(most(page.began, 10 * SECOND)).toBeLessThanOrEqual(110);
      Object.assign(page.manners, { asks: "good", streams: "good" });
      page.site.append();
      page.world.pass(2 * MINUTE);
      expect(page.seen).toEqual(page.site.log.map(({ seq }) => seq));
    }),
    { numRuns: 200 },
  );
});
