import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Answer, Request } from "../../client/core/base/http.ts";
import { createConversation, say, start, wake } from "../../client/core/conversation.ts";
import { createSession } from "../../client/core/reading/session.ts";
import type { UnsentMessage } from "../../client/core/sending/outbox.ts";
import { createFakeSite } from "./fake-site.ts";
import { createWorld } from "./world.ts";

/** The outcome of the next attempt to send. */
const FATES = ["pass", "throws", "throws late", "lost", "receipt lost", "blocked", "busy", "html", "odd"] as const;
type Fate = (typeof FATES)[number];

/** A change of the network or the browser, or something that the author does. */
type Step =
  | { fate: Fate }
  | { print: boolean; parse: boolean; store: boolean; later: number }
  | { text: string }
  | { wake: true };

const HALF = "half \ud83d emoji";

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom(...FATES).map((fate) => ({ fate })),
  fc.record({ print: fc.boolean(), parse: fc.boolean(), store: fc.boolean(), later: fc.nat(4_000) }),
  fc.constantFrom("short", "日本語 🎉", HALF, "", "x".repeat(1_900)).map((text) => ({ text })),
  fc.constant({ wake: true as const }),
);

/** A server that stores messages by their ids, on a network whose fate is chosen by the test. */
function createDesk(random: () => number) {
  const world = createWorld(random);
  const site = createFakeSite(world);
  const desk = {
    fate: "pass" as Fate,
    print: false,
    parse: false,
    store: false,
    log: [] as string[],
    asked: [] as number[],
  };
  const ids = new Map<string, number>();
  const conversation = createConversation({
    environment: world.environment,
    http: {
      json: {
        parse: (text) => (desk.parse ? fail() : JSON.parse(text)),
        print: (value) => (desk.print ? fail() : JSON.stringify(value)),
      },
      ask(request, done) {
        if (request.method === "GET" && !request.url.includes("/say")) return site.http.ask(request, done);
        desk.asked.push(world.environment.now());
        if (desk.fate === "throws") fail();
        const { fate } = desk;
        const stop = world.environment.later(20, () => done(answerOf(request, fate)));
        return fate === "throws late" ? fail() : stop;
      },
    },
    address: { base: "", token: "T" },
    position: { room: "lobby", cursor: "c0", seq: 0 },
    streams: site.streams,
    store: { load: () => [], save: () => (desk.store ? fail() : undefined) },
    rttMs: 100,
    hidden: () => false,
    memory: { load: () => undefined, save() {} },
    openSession: createSession,
  });
  return { world, conversation, desk };

  function answerOf(request: Request, fate: Fate): Answer {
    if (fate === "lost") return { status: 0, text: "" };
    if (fate === "blocked") return { status: 403, text: "<html>" };
    if (fate === "busy") return { status: 503, text: "" };
    if (fate === "html") return { status: 200, text: "<html>" };
    const n = /;n=([^;]*)/.exec(request.url)?.[1];
    if (fate === "odd") return { status: 200, text: JSON.stringify({ chattera: 1, n, results: "none", cursor: 5 }) };
    const results = messagesIn(request).map(({ id, text }) => {
      if (text === "") return { code: "text_invalid", detail: "" };
      if (!ids.has(id)) ids.set(id, desk.log.push(text));
      return { event: { room: "lobby", seq: ids.get(id), kind: "message", id, text } };
    });
    if (fate === "receipt lost") return { status: 0, text: "" };
    const body = results.length > 1 ? { results, cursor: "c1" } : { ...results[0], cursor: "c1" };
    return { status: 200, text: JSON.stringify({ chattera: 1, n, ...body }) };
  }
}

function fail(): never {
  throw new Error("something of the page or the browser failed");
}

function messagesIn({ type, body = "", url }: Request): { id: string; text: string }[] {
  if (type === "application/json") {
    const { id, text, messages = [{ id, text }] } = JSON.parse(body);
    return messages;
  }
  const fields = new URLSearchParams(type === undefined ? url.split(";").slice(1).join("&") : body);
  const texts = [
    ...fields.getAll("text"),
    ...fields.getAll("text64").map((text) => Buffer.from(text, "base64url").toString()),
  ];
  return fields.getAll("id").map((id, i) => ({ id, text: texts[i] as string }));
}

test("whatever throws, every message is stored once, in order, or refused, with few requests a second", () => {
  const chance = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));
  // Ids of messages differ, as they do in a browser.
  let draws = 0;
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60 }), chance, (history, random) => {
      const { world, conversation, desk } = createDesk(() => (random.next().value + 0.0137 * draws++) % 1);
      const said: string[] = [];
      start(conversation);
      for (const step of history) {
        if ("text" in step) {
          said.push(step.text);
          say(conversation, step.text);
        } else if ("wake" in step) wake(conversation, true);
        else Object.assign(desk, step);
        if ("later" in step) world.pass(step.later);
      }
      Object.assign(desk, { fate: "pass", print: false, parse: false, store: false });
      world.pass(180_000);
      expect(desk.log).toEqual(said.filter((text) => text !== HALF && text !== ""));
      const refused = (conversation.outbox.messages as UnsentMessage[]).map(({ text, code }) => [text, code]);
      expect(refused).toEqual(
        said.filter((text) => text === HALF || text === "").map((text) => [text, "text_invalid"]),
      );
      for (const at of desk.asked) {
        expect(desk.asked.filter((other) => other > at - 1_000 && other <= at).length).toBeLessThanOrEqual(
          said.length + 8,
        );
      }
    }),
    { numRuns: 300 },
  );
});

test("an environment that always throws is asked at most three times a second, and is used again when it works", () => {
  const { world, conversation, desk } = createDesk(() => 0);
  desk.fate = "throws";
  start(conversation);
  say(conversation, "stuck");
  world.pass(60_000);
  expect(desk.asked.length).toBeLessThanOrEqual(60 * 3);
  world.pass(60_000);
  desk.fate = "pass";
  world.pass(60_000);
  expect(desk.log).toEqual(["stuck"]);
});
