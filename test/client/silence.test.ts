import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Conversation, createConversation, say, start } from "../../client/core/conversation.ts";
import { createSession } from "../../client/core/reading/session.ts";
import type { SessionStatus } from "../../client/core/reading/state.ts";
import { createFakeSite, type FakeSite, type PostManners } from "./fake-site.ts";
import { createWorld, type World } from "./world.ts";

const SECOND = 1_000;
// A ping is due every 4 s, and may be 3 s late.
const NOTICED_MS = 7 * SECOND + 10;

/** A page that reads and writes, and what was seen of it. */
type Talk = {
  world: World;
  site: FakeSite;
  conversation: Conversation;
  seen: number[];
  states: (SessionStatus & { at: number })[];
  /** How often a question was closed before its answer for anything but a poll. */
  interrupted: number;
  /** The most requests that were open at once, messages included. */
  most: number;
};

/** Opens a page whose stream lives. */
function openTalk(random?: () => number): Talk {
  const world = createWorld(random);
  const site = createFakeSite(world);
  const talk: Omit<Talk, "conversation"> = { world, site, seen: [], states: [], interrupted: 0, most: 0 };
  const count = () => {
    const { streams, polls } = site.open();
    talk.most = Math.max(talk.most, streams + polls + site.sending());
  };
  const { ask } = site.http;
  site.http.ask = (request, done) => {
    let isAnswered = false;
    const hangUp = ask(request, (answer) => {
      isAnswered = true;
      done(answer);
    });
    count();
    return () => {
      hangUp();
      if (isAnswered || !request.url.includes(";once=1")) return;
      // A poll may take its place, which asks the same.
      world.environment.later(0, () => {
        if (site.open().polls === 0) talk.interrupted++;
      });
    };
  };
  const conversation = createConversation({
    environment: world.environment,
    http: site.http,
    address: { base: "" },
    position: { room: "lobby", cursor: "c0", seq: 0 },
    streams: site.streams.map((stream) => ({
      ...stream,
      open(reading, sink) {
        const close = stream.open(reading, sink);
        count();
        return close;
      },
    })),
    store: { load: () => [], save() {} },
    rttMs: 100,
    hidden: () => false,
    memory: { load: () => undefined, save() {} },
    openSession: createSession,
  });
  conversation.session.on("event", ({ seq }) => talk.seen.push(seq));
  conversation.session.on("status", (status) => talk.states.push({ ...status, at: world.environment.now() }));
  start(conversation);
  world.pass(2 * SECOND);
  expect(conversation.session.phase()).toBe("streaming");
  return Object.assign(talk, { conversation });
}

/** Lets time pass while the page says something and somebody else does. */
function chatter({ world, conversation, site }: Talk, forMs: number, everyMs = 900): void {
  for (let ms = 0; ms < forMs; ms += everyMs) {
    say(conversation, `at ${ms}`);
    site.append();
    world.pass(everyMs);
  }
}

/** Returns after how long something was asked by a request other than a message. */
function askedAfter({ site }: Talk, from: number): number {
  return (site.opened.find(({ at }) => at > from)?.at ?? Number.POSITIVE_INFINITY) - from;
}

describe("a feed that died in silence while messages are being sent", () => {
  test("is asked about as soon as a message has died too, is replaced, and the reader learns it", () => {
    const talk = openTalk();
    const { world, site, states } = talk;
    chatter(talk, 5 * SECOND);
    const from = world.environment.now();
    site.vanish("hole");
    chatter(talk, 25 * SECOND);
    expect(askedAfter(talk, from)).toBeLessThan(4 * SECOND);
    const after = states.filter(({ at }) => at > from);
    expect((after.find(({ checking }) => checking)?.at ?? Number.NaN) - from).toBeLessThan(5 * SECOND);
    expect((after.find(({ state }) => state !== "live")?.at ?? Number.NaN) - from).toBeLessThan(NOTICED_MS);
    site.comeBack();
    world.pass(4 * SECOND);
    expect(talk.seen).toEqual(site.log.map(({ seq }) => seq));
    expect([talk.interrupted, talk.most]).toEqual([0, 2]);
  });

  test.each<PostManners>(["hang", "busy", "good"])("is noticed if messages are %s and other requests pass", (post) => {
    const talk = openTalk();
    const { world, site } = talk;
    site.manners.post = post;
    chatter(talk, 20 * SECOND);
    const from = world.environment.now();
    site.deafen();
    site.append();
    chatter(talk, NOTICED_MS + SECOND);
    expect(askedAfter(talk, from)).toBeLessThan(NOTICED_MS);
    // Without what was said in the last moments.
    expect(talk.seen.length).toBeGreaterThan(site.log.length - 5);
    expect([talk.interrupted, talk.most]).toEqual([0, 2]);
  });

  test("is a held poll, where no stream works", () => {
    const talk = openTalk();
    const { world, site } = talk;
    Object.assign(site.manners, { sse: "refused", stream: "refused" });
    site.cut();
    world.pass(60 * SECOND);
    expect(talk.conversation.session.phase()).toBe("polling");
    chatter(talk, SECOND);
    const from = world.environment.now();
    site.vanish("hole");
    chatter(talk, 20 * SECOND);
    expect(askedAfter(talk, from)).toBeLessThan(4 * SECOND);
    site.comeBack();
    world.pass(4 * SECOND);
    expect(talk.seen).toEqual(site.log.map(({ seq }) => seq));
    expect(talk.most).toBe(2);
  });
});

test("a stream that lives is kept while messages die on a slow line", () => {
  const talk = openTalk();
  const { site } = talk;
  site.manners.post = "hang";
  chatter(talk, 60 * SECOND);
  expect(site.opened.filter(({ transport }) => transport !== "poll" && transport !== "here")).toHaveLength(1);
  expect(talk.seen).toEqual(site.log.map(({ seq }) => seq));
  expect(new Set(talk.states.map(({ state }) => state))).toEqual(new Set(["live"]));
});

test("whatever happens to messages, a dead stream is asked about in time, by two requests at most", () => {
  const act = fc.oneof(
    fc.constantFrom<PostManners>("good", "hang", "busy").map(
      (post) =>
        ({ site }: Talk) =>
          void Object.assign(site.manners, { post }),
    ),
    fc.integer({ min: 1, max: 5 }).map((count) => ({ conversation }: Talk) => {
      for (let i = 0; i < count; i++) say(conversation, "hello");
    }),
    fc.integer({ min: 1, max: 4_000 }).map(
      (ms) =>
        ({ world }: Talk) =>
          world.pass(ms),
    ),
    fc.constant(({ site }: Talk) => void site.append()),
  );
  const acts = fc.array(act, { minLength: 5, maxLength: 40 });
  fc.assert(
    fc.property(acts, acts, fc.double({ min: 0.2, max: 0.99, noNaN: true }), (before, after, random) => {
      const talk = openTalk(() => random);
      const { world, site } = talk;
      for (const take of before) take(talk);
      site.deafen();
      const from = world.environment.now();
      const missed = site.append().seq;
      for (const take of after) take(talk);
      if (world.environment.now() - from >= NOTICED_MS) expect(askedAfter(talk, from)).toBeLessThan(NOTICED_MS);
      world.pass(NOTICED_MS + SECOND);
      expect(talk.seen).toContain(missed);
      expect(talk.interrupted).toBe(0);
      expect(talk.most).toBeLessThanOrEqual(2);
    }),
    { numRuns: 200 },
  );
});
