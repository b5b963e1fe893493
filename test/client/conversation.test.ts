import { describe, expect, test } from "@jest/globals";
import type { Answer, Request } from "../../client/core/base/http.ts";
import {
  type Conversation,
  createConversation,
  hold,
  release,
  resend,
  say,
  start,
  takeOver,
  wake,
} from "../../client/core/conversation.ts";
import { createSession } from "../../client/core/reading/session.ts";
import { discard, found, takeBack, type UnsentMessage } from "../../client/core/sending/outbox.ts";
import { createFakeSite, type FakeSite } from "./fake-site.ts";
import { createWorld, type World } from "./world.ts";

/** The result of one message of a request with several. */
type Result = "stored" | { code: string; retryAfter?: number };
type Attempt = {
  messages: { id: string; text: string }[];
  /** Of the first message. */
  id: string | undefined;
  text: string | undefined;
  answer(answer: "receipt" | Answer | Result[]): void;
};
type Desk = {
  world: World;
  site: FakeSite;
  conversation: Conversation;
  attempts: Attempt[];
  stored: () => UnsentMessage[];
  sent: string[];
};

const NOTHING: Answer = { status: 503, text: "" };

/** A conversation in the room `lobby`, whose messages are answered by the test. */
function desk(left: UnsentMessage[] = [], random = chance()): Desk {
  const world = createWorld(random);
  const site = createFakeSite(world);
  const attempts: Attempt[] = [];
  let stored = left;
  const conversation = createConversation({
    environment: world.environment,
    http: {
      json: { parse: JSON.parse, print: JSON.stringify },
      ask(request, done) {
        if (request.method === "GET") return site.http.ask(request, done);
        attempts.push(attemptOf(request, done));
        return () => {};
      },
    },
    address: { base: "" },
    position: { room: "lobby", cursor: "c0", seq: 0 },
    streams: site.streams,
    store: {
      load: () => structuredClone(left),
      save(messages) {
        stored = structuredClone(messages);
      },
    },
    rttMs: 100,
    hidden: () => false,
    memory: { load: () => undefined, save() {} },
    openSession: createSession,
  });
  const sent: string[] = [];
  conversation.outbox.emitter.on("sent", ({ message }) => sent.push(message.text));
  return { world, site, conversation, attempts, stored: () => stored, sent };
}

/** Returns numbers that differ, around the middle. */
function chance(): () => number {
  let n = 0;
  return () => 0.4 + ((n++ * 7) % 200) / 1000;
}

function attemptOf({ body = "", url }: Request, done: (answer: Answer) => void): Attempt {
  const { id, text, messages = [{ id, text }] } = JSON.parse(body);
  const n = /;n=([^;]*)/.exec(url)?.[1];
  const eventOf = (one: { id: string; text: string }) => ({ room: "lobby", seq: 1, kind: "message", ...one });
  const printed = (status: number, value: object) => ({ status, text: JSON.stringify({ chattera: 1, n, ...value }) });
  const answerAll = (results: Result[]) =>
    printed(200, {
      results: results.map((one, i) => (one === "stored" ? { event: eventOf(messages[i]), isNew: true } : one)),
      cursor: "c1",
    });
  const receipt = () =>
    id === undefined
      ? answerAll(messages.map(() => "stored"))
      : printed(201, { event: eventOf({ id, text }), cursor: "c1" });
  return {
    messages,
    ...messages[0],
    answer(answer) {
      if (answer === "receipt") done(receipt());
      else done(Array.isArray(answer) ? answerAll(answer) : withNonce(answer, n));
    },
  };
}

/** Notes what becomes of messages. */
function eventsOf({ conversation }: Desk): string[] {
  const seen: string[] = [];
  const { emitter } = conversation.outbox;
  emitter.on("sent", ({ message }) => seen.push(`sent ${message.text}`));
  emitter.on("discarded", ({ text }) => seen.push(`discarded ${text}`));
  emitter.on("edited", ({ text }) => seen.push(`edited ${text}`));
  return seen;
}

function refusal(code: string): Answer {
  return { status: 400, text: JSON.stringify({ chattera: 1, code }) };
}

function withNonce(answer: Answer, n: string | undefined): Answer {
  if (!answer.text.startsWith("{")) return answer;
  return { ...answer, text: JSON.stringify({ ...JSON.parse(answer.text), n }) };
}

function last({ attempts }: Desk): Attempt {
  return attempts.at(-1) as Attempt;
}

/** Returns the texts of each request. */
function textsOf({ attempts }: Desk): string[][] {
  return attempts.map(({ messages }) => messages.map(({ text }) => text));
}

function states({ conversation }: Desk): string[] {
  return conversation.outbox.messages.map(({ state }) => state);
}

describe("a conversation", () => {
  test("sends a message at once, and those that wait meanwhile together, in order", () => {
    const one = desk();
    for (const text of ["first", "second", "third"]) say(one.conversation, text);
    expect(textsOf(one)).toEqual([["first"]]);
    last(one).answer("receipt");
    expect(textsOf(one)).toEqual([["first"], ["second", "third"]]);
    last(one).answer("receipt");
    expect(one.sent).toEqual(["first", "second", "third"]);
    expect(one.conversation.outbox.messages).toEqual([]);
  });

  test("sends sixty messages that waited in two requests", () => {
    const one = desk();
    hold(one.conversation);
    for (let n = 0; n < 60; n++) say(one.conversation, `message ${n}`);
    release(one.conversation);
    last(one).answer("receipt");
    last(one).answer("receipt");
    expect(one.attempts.map(({ messages }) => messages.length)).toEqual([50, 10]);
    expect(one.sent).toEqual(Array.from({ length: 60 }, (_, n) => `message ${n}`));
  });

  test("settles each of several messages by its own result", () => {
    const one = desk();
    one.site.vanish("refused");
    hold(one.conversation);
    for (const text of ["a", "b", "c", "d"]) say(one.conversation, text);
    release(one.conversation);
    const late = { code: "too_many", retryAfter: 3 };
    last(one).answer(["stored", { code: "text_invalid" }, late, late]);
    expect(one.sent).toEqual(["a"]);
    expect(one.conversation.outbox.messages.map(({ text, state }) => [text, state])).toEqual([
      ["b", "refused"],
      ["c", "kept"],
      ["d", "kept"],
    ]);
    one.world.pass(2_999);
    expect(one.attempts.length).toBe(1);
    one.world.pass(1_000);
    expect(textsOf(one).at(-1)).toEqual(["c", "d"]);
  });

  test("sends one message at a time to a server that does not know several", () => {
    const one = desk();
    hold(one.conversation);
    for (const text of ["a", "b", "c"]) say(one.conversation, text);
    release(one.conversation);
    last(one).answer(refusal("malformed"));
    for (const _ of "abc") last(one).answer("receipt");
    expect(textsOf(one)).toEqual([["a", "b", "c"], ["a"], ["b"], ["c"]]);
    expect(one.sent).toEqual(["a", "b", "c"]);
  });

  test("sends a message again under the same id until its outcome is known, and keeps the order meanwhile", () => {
    const one = desk();
    say(one.conversation, "first");
    last(one).answer(NOTHING);
    say(one.conversation, "second");
    expect(states(one)).toEqual(["kept", "kept"]);
    one.world.pass(1000);
    expect(textsOf(one)).toEqual([["first"], ["first", "second"]]);
    expect(one.attempts[0]?.id).toBe(one.attempts[1]?.id);
    last(one).answer("receipt");
    expect(one.sent).toEqual(["first", "second"]);
  });

  test("hastens an attempt at most once a second, however often the network seems to be back", () => {
    const one = desk();
    say(one.conversation, "first");
    for (let n = 0; n < 100; n++) {
      if (one.attempts.length === n + 1) last(one).answer(NOTHING);
      wake(one.conversation, true);
      one.world.pass(50);
    }
    expect(one.attempts.length).toBeLessThan(12);
    one.world.pass(60_000);
    last(one).answer("receipt");
    expect(one.sent).toEqual(["first"]);
  });

  test("waits at least as long as the server asks", () => {
    const one = desk();
    one.site.vanish("refused");
    say(one.conversation, "first");
    last(one).answer({ ...NOTHING, retryMs: 5000 });
    one.world.pass(4999);
    expect(one.attempts.length).toBe(1);
    one.world.pass(1300);
    expect(one.attempts.length).toBe(2);
  });

  test("sends at once if the network is back", () => {
    const one = desk();
    say(one.conversation, "first");
    last(one).answer(NOTHING);
    wake(one.conversation, true);
    expect(one.attempts.length).toBe(2);
    last(one).answer("receipt");
    one.world.pass(60_000);
    expect(one.attempts.length).toBe(2);
  });

  test("sends at once if the session reads again", () => {
    const one = desk();
    one.site.vanish("refused");
    start(one.conversation);
    one.world.pass(1000);
    say(one.conversation, "first");
    last(one).answer({ ...NOTHING, retryMs: 60_000 });
    one.site.comeBack();
    one.world.pass(5_000);
    expect(one.attempts.length).toBe(2);
  });

  test("keeps a refused message, continues with the next, and lets the author decide", () => {
    const one = desk();
    const first = say(one.conversation, "first");
    say(one.conversation, "second");
    last(one).answer(refusal("text_invalid"));
    last(one).answer("receipt");
    expect(one.sent).toEqual(["second"]);
    expect(one.conversation.outbox.messages).toMatchObject([{ text: "first", state: "refused", code: "text_invalid" }]);
    resend(one.conversation, first);
    last(one).answer(refusal("text_invalid"));
    discard(one.conversation.outbox, first);
    expect([one.conversation.outbox.messages, one.stored()]).toEqual([[], []]);
  });

  test("takes a message back that waits, to cancel it or to write it again", () => {
    const one = desk();
    const seen = eventsOf(one);
    const [first, second] = [say(one.conversation, "first"), say(one.conversation, "second")];
    last(one).answer(NOTHING);
    takeBack(one.conversation.outbox, first, "cancel");
    takeBack(one.conversation.outbox, second, "edit");
    expect(seen).toEqual(["discarded first", "discarded second", "edited second"]);
    expect(one.stored()).toEqual([]);
    one.world.pass(60_000);
    expect(one.attempts.length).toBe(1);
  });

  test("takes a message back that is being sent if the attempt does not store it", () => {
    for (const [why, answer, wanted] of [
      ["cancel", "receipt", ["sent first"]],
      ["edit", "receipt", ["sent first"]],
      ["cancel", NOTHING, ["discarded first"]],
      ["edit", NOTHING, ["discarded first", "edited first"]],
      ["edit", refusal("text_invalid"), ["discarded first", "edited first"]],
    ] as const) {
      const one = desk();
      const seen = eventsOf(one);
      takeBack(one.conversation.outbox, say(one.conversation, "first"), why);
      expect([seen, one.stored().length]).toEqual([[], why === "cancel" ? 0 : 1]);
      last(one).answer(answer);
      one.world.pass(60_000);
      expect([one.attempts.length, seen, one.stored()]).toEqual([1, wanted, []]);
    }
  });

  test("sends what another page has left before its own messages, each once", () => {
    const one = desk();
    hold(one.conversation);
    say(one.conversation, "own");
    const left: UnsentMessage[] = ["older", "old"].map((text) => ({ id: `left-${text}`, text, state: "kept" }));
    takeOver(one.conversation, [...left, left[0] as UnsentMessage], () => false);
    takeOver(one.conversation, left, () => false);
    release(one.conversation);
    expect(textsOf(one)).toEqual([["older", "old", "own"]]);
  });

  test("does not send a message again that was found in the log, whatever the outcome of its attempt", () => {
    for (const answer of [NOTHING, refusal("no_session")]) {
      const one = desk();
      const changed: string[] = [];
      const { id } = say(one.conversation, "first");
      one.conversation.outbox.emitter.on("changed", ({ state }) => changed.push(state));
      found(one.conversation.outbox, id);
      last(one).answer(answer);
      one.world.pass(60_000);
      expect([one.attempts.length, changed, one.conversation.outbox.messages, one.stored()]).toEqual([1, [], [], []]);
    }
  });

  test("takes an event of the log for a receipt", () => {
    const one = desk();
    start(one.conversation);
    one.world.pass(1_000);
    const { id } = say(one.conversation, "first");
    one.site.append("lobby", id);
    one.world.pass(1_000);
    expect(one.stored()).toEqual([]);
  });

  test("sends after a reload what an earlier page has left, under the same ids", () => {
    const before = desk();
    say(before.conversation, "first");
    say(before.conversation, "second");
    const left = before.stored();
    expect(left.map(({ text }) => text)).toEqual(["first", "second"]);
    const after = desk(left);
    start(after.conversation);
    expect(last(after).messages).toEqual(left.map(({ id, text }) => ({ id, text })));
  });

  test("sends nothing while it is held", () => {
    const one = desk();
    hold(one.conversation);
    start(one.conversation);
    say(one.conversation, "first");
    one.world.pass(10_000);
    expect(one.attempts).toEqual([]);
    release(one.conversation);
    expect(last(one).text).toBe("first");
  });

  test("gives each message its own id, in the form that the server accepts", () => {
    const ids = Array.from({ length: 3 }, (_, i) => say(desk([], () => i / 3).conversation, "x").id);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
    expect(new Set(ids).size).toBe(3);
  });
});

describe("a message at which the site always fails", () => {
  const FAILED: Answer = { status: 500, text: "" };

  /** Answers each attempt: with 500 if it carries the text, else with a receipt. */
  function failAt({ world, attempts }: Desk, text: string): void {
    for (let n = 0; n < attempts.length; n += 1) {
      const attempt = attempts[n] as Attempt;
      attempt.answer(attempt.messages.some((one) => one.text === text) ? FAILED : "receipt");
      if (n < 40) world.pass(10_000);
    }
  }

  test("gives way to later ones after some attempts, and is shown as not sent", () => {
    const page = desk();
    const { conversation, sent } = page;
    start(conversation);
    for (const text of ["one", "poison", "two", "three"]) say(conversation, text);
    failAt(page, "poison");
    expect(sent).toEqual(["one", "two", "three"]);
    expect(conversation.outbox.messages).toMatchObject([{ text: "poison", state: "refused", code: "internal" }]);
  });

  test("can be sent again by its author", () => {
    const page = desk();
    const { conversation, attempts, sent } = page;
    start(conversation);
    for (const text of ["poison", "two"]) say(conversation, text);
    failAt(page, "poison");
    resend(conversation, conversation.outbox.messages[0] as UnsentMessage);
    attempts.at(-1)?.answer("receipt");
    expect(sent).toEqual(["two", "poison"]);
  });

  test("is kept while the site fails at all messages, and all are sent when it works again", () => {
    const { world, conversation, attempts, sent } = desk();
    start(conversation);
    for (const text of ["one", "two", "three"]) say(conversation, text);
    let n = 0;
    for (; n < 30; n += 1) {
      attempts[n]?.answer(FAILED);
      world.pass(60_000);
    }
    expect(conversation.outbox.messages.map(({ state }) => state)).toEqual(["kept", "kept", "kept"]);
    for (; n < attempts.length; n += 1) {
      attempts[n]?.answer("receipt");
      world.pass(60_000);
    }
    expect([...sent].sort()).toEqual(["one", "three", "two"]);
  });
});
