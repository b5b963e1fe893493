import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Address, textParam } from "../../client/core/base/address.ts";
import type { Answer, Request } from "../../client/core/base/http.ts";
import type { SendOutcome } from "../../client/core/sending/outbox.ts";
import {
  act,
  createSender,
  type Outgoing,
  requestSession,
  type SessionOutcome,
  sendMessages,
} from "../../client/core/sending/send.ts";
import { createWorld } from "./world.ts";

type Network = (request: Request, kind: "json" | "form" | "get" | "script") => "pass" | "silence" | Answer;

const BLOCKED: Answer = { status: 403, text: "<html>blocked" };
const NOBODY: Answer = { status: 0, text: "" };
const event = { room: "lobby", seq: 7, kind: "message", id: "message-0001" };

/** A sender on a network, and what it has tried. */
function senderOn(network: Network, address: Address = { base: "", token: "T" }) {
  const world = createWorld();
  const kinds: string[] = [];
  const urls: string[] = [];
  const bodies: string[] = [];
  const requests: Request[] = [];
  const ask = (isScript: boolean) => (request: Request, done: (answer: Answer) => void) => {
    const isJson = request.type === "application/json";
    const kind = isScript ? "script" : request.method === "GET" ? "get" : isJson ? "json" : "form";
    kinds.push(kind);
    urls.push(request.url);
    bodies.push(request.body ?? "");
    requests.push(request);
    const verdict = network(request, kind);
    if (verdict === "silence") return world.environment.later(request.timeoutMs, () => done(NOBODY));
    return world.environment.later(20, () => done(verdict === "pass" ? answerTo(request) : verdict));
  };
  const http = { ask: ask(false), json: { parse: JSON.parse, print: JSON.stringify } };
  const sender = createSender({ environment: world.environment, http, address, script: ask(true) });
  const sayAll = (messages: Outgoing[], forMs = 60_000) => {
    let outcomes: SendOutcome[] = [];
    sendMessages(sender, { room: "lobby", messages }, (all) => {
      outcomes = all;
    });
    world.pass(forMs);
    return outcomes;
  };
  const say = (text = "hello") => sayAll([{ id: "message-0001", text }])[0];
  return { world, sender, say, sayAll, kinds, urls, bodies, requests };
}

function answerTo(request: Request): Answer {
  const { url, method } = request;
  const n = /;n=([^;]*)/.exec(url)?.[1];
  const isSession = url.includes("/api/session");
  const member = { id: "m1", nickname: "Ann", color: "#b3261e" };
  const all = messagesIn(request).map(({ id }) => ({ event: { ...event, id }, isNew: true }));
  const one = all.length > 1 ? { results: all, cursor: "k.1-7" } : { event, cursor: "k.1-7" };
  const status = method === "GET" || all.length > 1 ? 200 : 201;
  return { status, text: JSON.stringify({ chattera: 1, n, ...(isSession ? { token: "NEW", member } : one) }) };
}

/** Returns the messages that a request of any kind carries. */
function messagesIn({ type, body = "", url }: Request): Outgoing[] {
  if (type === "application/json") {
    const { id, text, messages = [{ id, text }] } = JSON.parse(body);
    return messages;
  }
  const pairs = type === undefined ? url.split(";").slice(1) : body.split("&");
  const all = (name: string) =>
    pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
  const texts = [
    ...all("text").map(decodeURIComponent),
    ...all("text64").map((text) => Buffer.from(text, "base64url").toString()),
  ];
  return all("id").map((id, i) => ({ id: decodeURIComponent(id), text: texts[i] as string }));
}

const receipt = expect.objectContaining({ receipt: { event, cursor: "k.1-7" } });

describe("sending", () => {
  test("uses the first kind of request that the network lets through, and stays with it", () => {
    for (const [blocked, used] of [
      [[], "json"],
      [["json"], "form"],
      [["json", "form"], "get"],
      [["json", "form", "get"], "script"],
    ] as const) {
      const { say, kinds } = senderOn((_, kind) => ((blocked as readonly string[]).includes(kind) ? BLOCKED : "pass"));
      expect(say()).toEqual(receipt);
      expect(kinds).toEqual([...blocked, used]);
      expect([say(), kinds.at(-1), kinds.length]).toEqual([receipt, used, blocked.length + 2]);
    }
  });

  test("tries the best kind again after ten minutes", () => {
    const { say, kinds, world } = senderOn((_, kind) => (kind === "json" ? BLOCKED : "pass"));
    say();
    world.pass(10 * 60_000);
    say();
    expect(kinds).toEqual(["json", "form", "json", "form"]);
  });

  test("accepts neither a login page's 200 nor the answer to another request", () => {
    for (const text of ["<html>log in", "{}", JSON.stringify({ chattera: 1, n: "other", event, cursor: "k.1-7" })]) {
      const { say } = senderOn(() => ({ status: 200, text }));
      expect(say()).toEqual({ retry: true });
    }
  });

  test("keeps a kind of request while the server is away or busy, and respects Retry-After", () => {
    for (const status of [429, 502, 503, 504, 407]) {
      const { say, kinds } = senderOn(() => ({ status, text: "", retryMs: 3000 }));
      for (let i = 0; i < 3; i++) expect(say()).toEqual({ retry: true, retryMs: 3000 });
      expect(new Set(kinds)).toEqual(new Set(["json"]));
    }
  });

  test("leaves a kind of request that is swallowed twice", () => {
    const { say, kinds } = senderOn((_, kind) => (kind === "json" ? NOBODY : "pass"));
    expect([say(), say(), kinds]).toEqual([{ retry: true }, receipt, ["json", "json", "form"]]);
  });

  test("gets a token for GETs if it only has a cookie", () => {
    const { say, kinds, urls } = senderOn((_, kind) => (kind === "get" ? "pass" : BLOCKED), {
      base: "",
      nickname: "アン",
    });
    expect(say()).toEqual(receipt);
    expect(kinds).toEqual(["json", "form", "get", "get"]);
    expect(urls[2]).toMatch(/^\/api\/session;nickname64=44Ki44Oz;n=/);
    expect(urls[3]).toContain(";token=NEW;");
  });

  test("refuses a message that is too long for the only kind of request that passes", () => {
    const { say } = senderOn((_, kind) => (kind === "get" || kind === "script" ? "pass" : BLOCKED));
    expect(say("あ".repeat(440))).toEqual(receipt);
    expect(say("あ".repeat(500))).toEqual({ refused: "too_large" });
  });

  test("refuses such a message even if the other kinds are swallowed", () => {
    const { say } = senderOn((_, kind) => (kind === "get" || kind === "script" ? "pass" : NOBODY));
    const outcomes = Array.from({ length: 6 }, () => say("あ".repeat(500)));
    expect(outcomes).toContainEqual({ refused: "too_large" });
  });

  test("never refuses a message while nothing passes", () => {
    const { say } = senderOn(() => NOBODY);
    for (let n = 0; n < 12; n++) expect(say("あ".repeat(500))).toEqual({ retry: true });
  });

  test("requests no token by script, since a script's cookie proves nothing", () => {
    const { say, kinds } = senderOn((_, kind) => (kind === "script" ? "pass" : BLOCKED), { base: "", nickname: "Ann" });
    expect(say()).toEqual({ retry: true });
    expect(kinds).toEqual(["json", "form", "get"]);
  });

  test("sends the nickname of a message's author if only a cookie proves it", () => {
    for (const [address, named] of [
      [{ base: "", nickname: "Ann" }, true],
      [{ base: "", nickname: "Ann", token: "T" }, false],
    ] as const) {
      const bodies: string[] = [];
      const { say } = senderOn((request) => {
        bodies.push(request.body ?? "");
        return "pass";
      }, address);
      say();
      expect(bodies.map((body) => body.includes('"nickname":"Ann"'))).toEqual([named]);
    }
  });

  test("passes on the server's own refusal, whatever the kind of request", () => {
    const refusal = (url: string) => ({
      status: 403,
      text: JSON.stringify({ chattera: 1, n: /;n=([^;]*)/.exec(url)?.[1], code: "no_session" }),
    });
    const { say } = senderOn(({ url }, kind) => (kind === "json" ? BLOCKED : refusal(url)));
    expect(say()).toEqual({ refused: "no_session" });
  });

  test("gets a session by GET if only GET passes", () => {
    const { sender, world } = senderOn((_, kind) => (kind === "get" ? "pass" : BLOCKED), { base: "" });
    let outcome: SessionOutcome | undefined;
    requestSession(sender, { nickname: "Ann" }, (one) => {
      outcome = one;
    });
    world.pass(1000);
    expect(outcome).toMatchObject({ token: "NEW", member: { nickname: "Ann" } });
  });

  test("does not leave GET for an action that has no GET", () => {
    const { sender, say, kinds, world } = senderOn((_, kind) => (kind === "get" ? "pass" : BLOCKED));
    say();
    const outcomes: unknown[] = [];
    for (let i = 0; i < 4; i++) act(sender, "/api/rooms/lobby/typing", (outcome) => outcomes.push(outcome));
    world.pass(1000);
    say();
    expect([kinds, outcomes]).toEqual([["json", "form", "get", "get"], Array(4).fill({ unsayable: true })]);
  });

  test("retries an action if the server is busy", () => {
    const busy = ({ url }: Request, status: number) => ({
      status,
      text: JSON.stringify({ chattera: 1, n: /;n=([^;]*)/.exec(url)?.[1], code: "too_many" }),
    });
    for (const [status, outcome] of [
      [429, { retry: true, code: "too_many" }],
      [503, { retry: true, code: "too_many" }],
      [409, { refused: "too_many" }],
    ] as const) {
      const { sender, world } = senderOn((request) => busy(request, status));
      const outcomes: unknown[] = [];
      act(sender, "/api/rooms/lobby/enter", (one) => outcomes.push(one));
      world.pass(1000);
      expect(outcomes).toEqual([outcome]);
    }
  });

  test("waits longer for an answer after each timeout", () => {
    const waits: number[] = [];
    const world = createWorld();
    const http = {
      ask: ({ timeoutMs }: Request, done: (answer: Answer) => void) => {
        waits.push(timeoutMs);
        return world.environment.later(timeoutMs, () => done(NOBODY));
      },
      json: { parse: JSON.parse, print: JSON.stringify },
    };
    const sender = createSender({ environment: world.environment, http, address: { base: "", token: "T" } });
    for (let i = 0; i < 3; i++) {
      sendMessages(sender, { room: "lobby", messages: [{ id: "message-0001", text: "x" }] }, () => {});
      world.pass(60_000);
    }
    expect(waits.slice(0, 3)).toEqual([5_000, 10_000, 10_000]);
  });
});

describe("sending several messages", () => {
  const several = (count: number, textOf = (n: number) => `message ${n}`) =>
    Array.from({ length: count }, (_, n) => ({ id: `message-${String(n).padStart(4, "0")}`, text: textOf(n) }));

  test("carries as many as a request of each kind holds, in order, and returns one outcome for each", () => {
    for (const [kind, count] of [
      ["json", 50],
      ["form", 50],
      ["get", 39],
      ["script", 38],
    ] as const) {
      const { sayAll, urls, kinds, requests } = senderOn((_, one) => (one === kind ? "pass" : BLOCKED));
      const messages = several(60, (n) => `a longer message ${n}`);
      const outcomes = sayAll(messages);
      const ids = outcomes.map((one) => "receipt" in one && one.receipt.event.id);
      expect([kinds.at(-1), ids]).toEqual([kind, messages.slice(0, count).map(({ id }) => id)]);
      expect(messagesIn(requests.at(-1) as Request)).toEqual(messages.slice(0, count));
      const callback = kind === "script" ? 64 : 0;
      expect((urls.at(-1) as string).length + callback).toBeLessThanOrEqual(2_000);
    }
  });

  test("keeps the request of one message as it was", () => {
    const { say, bodies, urls } = senderOn(() => "pass", { base: "", formToken: "F", nickname: "Ann" });
    say();
    const n = /;n=(.*)$/.exec(urls[0] as string)?.[1];
    expect(bodies).toEqual([`{"id":"message-0001","text":"hello","n":"${n}","form_token":"F","nickname":"Ann"}`]);
  });

  test("keeps a request within 16 kB, and sends a longer message alone", () => {
    for (const kind of ["json", "form"]) {
      const { sayAll, bodies } = senderOn((_, one) => (one === kind ? "pass" : BLOCKED));
      const outcomes = sayAll(several(50, () => "日".repeat(500)));
      expect(outcomes.length).toBeGreaterThan(2);
      expect(Buffer.byteLength(bodies.at(-1) as string)).toBeLessThan(16_600);
      expect(sayAll(several(3, () => "日".repeat(2000))).length).toBe(kind === "json" ? 2 : 1);
    }
  });

  test("returns the outcome of each, whatever the others have", () => {
    const { sayAll } = senderOn(({ url }) => {
      const n = /;n=([^;]*)/.exec(url)?.[1];
      const results = [
        { event: { ...event, id: "message-0000" }, isNew: false },
        { code: "text_invalid", detail: "" },
        { code: "too_many", detail: "", retryAfter: 4 },
        { event: { ...event, id: "another" } },
      ];
      return { status: 200, text: JSON.stringify({ chattera: 1, n, results, cursor: "k.1-7" }) };
    });
    expect(sayAll(several(4))).toEqual([
      expect.objectContaining({ receipt: { event: { ...event, id: "message-0000" }, cursor: "k.1-7" } }),
      { refused: "text_invalid" },
      { retry: true, retryMs: 4000, code: "too_many" },
      { retry: true },
    ]);
  });

  test("sends one at a time for ten minutes if the server does not know several, by any kind", () => {
    for (const kind of ["json", "form", "get", "script"]) {
      const { sayAll, world, requests } = senderOn((request, one) => {
        if (one !== kind) return BLOCKED;
        if (messagesIn(request).length < 2) return "pass";
        const n = /;n=([^;]*)/.exec(request.url)?.[1];
        return { status: 400, text: JSON.stringify({ chattera: 1, n, code: "malformed" }) };
      });
      const counts = () => requests.splice(0).map((request) => messagesIn(request).length);
      const withoutBlocked = (all: number[]) => all.slice(["json", "form", "get", "script"].indexOf(kind));
      const messages = several(2).map((one) => ({ ...one, id: "message-0001" }));
      expect(sayAll(messages)).toEqual([receipt]);
      expect(withoutBlocked(counts())).toEqual([2, 1]);
      sayAll(messages);
      expect(counts()).toEqual([1]);
      world.pass(600_000);
      sayAll(messages);
      expect(withoutBlocked(counts())).toEqual([2, 1]);
    }
  });

  test("asks with one message after a timeout, and sends half as many after the second", () => {
    let isLarge = (_: number) => true;
    const { sayAll, requests } = senderOn((request) => (isLarge(messagesIn(request).length) ? "silence" : "pass"));
    const counts = () => requests.splice(0).map((request) => messagesIn(request).length);
    isLarge = (count) => count > 10;
    for (let n = 0; n < 12; n++) sayAll(several(50), 20_000);
    const sent = counts();
    expect(sent.slice(0, 4)).toEqual([50, 1, 50, 1]);
    expect(Math.max(...sent.slice(-4))).toBeLessThan(26);
    expect(sent.filter((count) => count > 1 && count <= 10).length).toBeGreaterThan(0);
  });

  test("lets a longer request take longer", () => {
    const { sayAll, requests } = senderOn(() => "pass");
    sayAll(several(1));
    sayAll(several(50, () => "x".repeat(200)));
    const [one, fifty] = requests.map(({ timeoutMs }) => timeoutMs) as [number, number];
    expect(fifty - 2_500).toBeGreaterThan(5_000);
    expect(one).toBe(5_000);
  });

  test("refuses a text that no request can carry, and sends those before it first", () => {
    for (const kind of ["json", "form", "get", "script"]) {
      const { sayAll, requests } = senderOn((_, one) => (one === kind ? "pass" : BLOCKED));
      const half = { id: "message-0002", text: "half \ud83d emoji" };
      expect(sayAll([half, ...several(1)])).toEqual([{ refused: "text_invalid" }]);
      expect(sayAll([{ ...half, text: undefined as unknown as string }])).toEqual([{ refused: "text_invalid" }]);
      expect(requests).toEqual([]);
      expect(sayAll([...several(2), half]).length).toBe(2);
    }
  });

  test("prints its own JSON, whatever a page's script has done to lists and objects", () => {
    const spoiled = [Array.prototype, Object.prototype] as { toJSON?: unknown }[];
    const { sayAll, requests } = senderOn(() => NOBODY);
    try {
      for (const prototype of spoiled) prototype.toJSON = () => "spoiled";
      sayAll(several(2));
    } finally {
      for (const prototype of spoiled) delete prototype.toJSON;
    }
    expect(messagesIn(requests[0] as Request)).toEqual(several(2));
  });
});

test("a session is not requested under a nickname that no request can carry", () => {
  const { sender, world, kinds } = senderOn(() => "pass");
  const outcomes: SessionOutcome[] = [];
  requestSession(sender, { nickname: "\ud83d" }, (one) => outcomes.push(one));
  world.pass(1000);
  expect([outcomes, kinds]).toEqual([[{ refused: "nickname_invalid" }], []]);
});

test("any text is sent in a path as base64url of its UTF-8", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (text) => {
      expect(textParam("text", text)).toBe(`;text64=${Buffer.from(text).toString("base64url")}`);
    }),
  );
});
