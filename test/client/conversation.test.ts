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
  wake,
} from "../../client/core/conversation.ts";
import { createSession } from "../../client/core/reading/session.ts";
import { discard, found, type UnsentMessage } from "../../client/core/sending/outbox.ts";
import { createFakeSite, type FakeSite } from "./fake-site.ts";
import { createWorld, type World } from "./world.ts";

type Attempt = { id: string; text: string; answer(answer: "receipt" | Answer): void };
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
function desk(left: UnsentMessage[] = [], random?: () => number): Desk {
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

function attemptOf({ body = "", url }: Request, done: (answer: Answer) => void): Attempt {
  const { id, text } = JSON.parse(body) as { id: string; text: string };
  const n = /;n=([^;]*)/.exec(url)?.[1];
  const event = { room: "lobby", seq: 1, kind: "message", text, id };
  const receipt = { status: 201, text: JSON.stringify({ chattera: 1, n, event, cursor: "c1" }) };
  return { id, text, answer: (answer) => done(answer === "receipt" ? receipt : withNonce(answer, n)) };
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

function states({ conversation }: Desk): string[] {
  return conversation.outbox.messages.map(({ state }) => state);
}

describe("a conversation", () => {
  test("sends one message at a time, in order", () => {
    const one = desk();
    say(one.conversation, "first");
    say(one.conversation, "second");
    expect(one.attempts.map(({ text }) => text)).toEqual(["first"]);
    last(one).answer("receipt");
    last(one).answer("receipt");
    expect(one.sent).toEqual(["first", "second"]);
    expect(one.conversation.outbox.messages).toEqual([]);
  });

  test("sends a message again under the same id until its outcome is known, and keeps the order meanwhile", () => {
    const one = desk();
    say(one.conversation, "first");
    last(one).answer(NOTHING);
    say(one.conversation, "second");
    expect(states(one)).toEqual(["kept", "kept"]);
    one.world.pass(1000);
    expect(one.attempts.map(({ text }) => text)).toEqual(["first", "first"]);
    expect(one.attempts[0]?.id).toBe(one.attempts[1]?.id);
    last(one).answer("receipt");
    expect(last(one).text).toBe("second");
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
    expect(last(after)).toMatchObject({ id: left[0]?.id, text: "first" });
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
