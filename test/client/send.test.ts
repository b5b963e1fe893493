import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Address, textParam } from "../../client/core/base/address.ts";
import type { Answer, Request } from "../../client/core/base/http.ts";
import type { SendOutcome } from "../../client/core/sending/outbox.ts";
import { act, createSender, requestSession, type SessionOutcome, sendMessage } from "../../client/core/sending/send.ts";
import { createWorld } from "./world.ts";

type Network = (request: Request, kind: "json" | "form" | "get" | "script") => "pass" | Answer;

const BLOCKED: Answer = { status: 403, text: "<html>blocked" };
const NOBODY: Answer = { status: 0, text: "" };
const event = { room: "lobby", seq: 7, kind: "message", id: "message-0001" };

/** A sender on a network, and what it has tried. */
function senderOn(network: Network, address: Address = { base: "", token: "T" }) {
  const world = createWorld();
  const kinds: string[] = [];
  const urls: string[] = [];
  const ask = (isScript: boolean) => (request: Request, done: (answer: Answer) => void) => {
    const isJson = request.type === "application/json";
    const kind = isScript ? "script" : request.method === "GET" ? "get" : isJson ? "json" : "form";
    kinds.push(kind);
    urls.push(request.url);
    const verdict = network(request, kind);
    return world.environment.later(20, () => done(verdict === "pass" ? answerTo(request) : verdict));
  };
  const http = { ask: ask(false), json: { parse: JSON.parse, print: JSON.stringify } };
  const sender = createSender({ environment: world.environment, http, address, script: ask(true) });
  const say = (text = "hello") => {
    let outcome: SendOutcome | undefined;
    sendMessage(sender, { room: "lobby", id: "message-0001", text }, (one) => {
      outcome = one;
    });
    world.pass(60_000);
    return outcome;
  };
  return { world, sender, say, kinds, urls };
}

function answerTo({ url, method }: Request): Answer {
  const n = /;n=([^;]*)/.exec(url)?.[1];
  const isSession = url.includes("/api/session");
  const member = { id: "m1", nickname: "Ann", color: "#b3261e" };
  const body = isSession ? { token: "NEW", member } : { event, cursor: "k.1-7" };
  return { status: method === "GET" ? 200 : 201, text: JSON.stringify({ chattera: 1, n, ...body }) };
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
      [429, { retry: true }],
      [503, { retry: true }],
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
      sendMessage(sender, { room: "lobby", id: "message-0001", text: "x" }, () => {});
      world.pass(60_000);
    }
    expect(waits.slice(0, 3)).toEqual([5_000, 10_000, 10_000]);
  });
});

test("any text is sent in a path as base64url of its UTF-8", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (text) => {
      expect(textParam("text", text)).toBe(`;text64=${Buffer.from(text).toString("base64url")}`);
    }),
  );
});
