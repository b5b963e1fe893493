import { describe, expect, test } from "@jest/globals";
import { createOutbox, type Outbox, type Outcome, type Remark } from "../../client/core/sending/outbox.ts";
import type { RoomEvent } from "../../protocol/event.ts";
import { createWorld, type World } from "./world.ts";

type Attempt = { id: string; text: string; done(outcome: Outcome): void };
type Desk = { world: World; outbox: Outbox; attempts: Attempt[]; stored: () => Remark[]; sent: string[] };

function desk(left: Remark[] = []): Desk {
  const world = createWorld();
  const attempts: Attempt[] = [];
  let stored = left;
  const store = {
    load: () => structuredClone(left),
    save(remarks: Remark[]) {
      stored = structuredClone(remarks);
    },
  };
  const outbox = createOutbox(world.environment, store, ({ id, text }, done) => attempts.push({ id, text, done }));
  const sent: string[] = [];
  outbox.on("sent", ({ remark }) => sent.push(remark.text));
  return { world, outbox, attempts, stored: () => stored, sent };
}

function receipt(attempt: Attempt): Outcome {
  const member = { id: "m1", nickname: "Ann", color: "#b3261e" };
  const event: RoomEvent = {
    room: "lobby",
    seq: 1,
    kind: "message",
    member,
    at: "",
    text: attempt.text,
    id: attempt.id,
  };
  return { receipt: { event, cursor: "c1" }, rttMs: 20 };
}

function last({ attempts }: Desk): Attempt {
  return attempts.at(-1) as Attempt;
}

describe("an outbox", () => {
  test("sends one message at a time, in order", () => {
    const one = desk();
    one.outbox.say("first");
    one.outbox.say("second");
    expect(one.attempts.map(({ text }) => text)).toEqual(["first"]);
    last(one).done(receipt(last(one)));
    last(one).done(receipt(last(one)));
    expect(one.sent).toEqual(["first", "second"]);
    expect(one.outbox.remarks()).toEqual([]);
  });

  test("sends the same id again until it knows, and keeps the order meanwhile", () => {
    const one = desk();
    one.outbox.say("first");
    last(one).done({ retry: true });
    one.outbox.say("second");
    expect(one.outbox.remarks().map(({ state }) => state)).toEqual(["kept", "kept"]);
    one.world.pass(1000);
    expect(one.attempts.map(({ text }) => text)).toEqual(["first", "first"]);
    expect(one.attempts[0]?.id).toBe(one.attempts[1]?.id);
    last(one).done(receipt(last(one)));
    expect(last(one).text).toBe("second");
  });

  test("waits at least as long as the server asks", () => {
    const one = desk();
    one.outbox.say("first");
    last(one).done({ retry: true, retryMs: 5000 });
    one.world.pass(4999);
    expect(one.attempts.length).toBe(1);
    one.world.pass(1300);
    expect(one.attempts.length).toBe(2);
  });

  test("does not wait when the network is back", () => {
    const one = desk();
    one.outbox.say("first");
    last(one).done({ retry: true });
    one.outbox.wake();
    expect(one.attempts.length).toBe(2);
    one.world.pass(60_000);
    expect(one.attempts.length).toBe(2);
  });

  test("shows what is refused, goes on with the next, and lets the writer decide", () => {
    const one = desk();
    const first = one.outbox.say("first");
    one.outbox.say("second");
    last(one).done({ refused: "text_invalid" });
    last(one).done(receipt(last(one)));
    expect(one.sent).toEqual(["second"]);
    expect(one.outbox.remarks()).toMatchObject([{ text: "first", state: "refused", code: "text_invalid" }]);
    one.outbox.resend(first.id);
    last(one).done({ refused: "text_invalid" });
    one.outbox.discard(first.id);
    expect([one.outbox.remarks(), one.stored()]).toEqual([[], []]);
  });

  test("a message that was found in the log is done, whatever its attempt comes to", () => {
    for (const outcome of [{ retry: true }, { refused: "no_session" }] as const) {
      const one = desk();
      const told: string[] = [];
      const { id } = one.outbox.say("first");
      one.outbox.on("changed", ({ state }) => told.push(state));
      one.outbox.found(id);
      last(one).done(outcome);
      one.world.pass(60_000);
      expect([one.attempts.length, told, one.outbox.remarks(), one.stored()]).toEqual([1, [], [], []]);
    }
  });

  test("sends after a reload what an earlier page has left, under the same ids", () => {
    const before = desk();
    before.outbox.say("first");
    before.outbox.say("second");
    const left = before.stored();
    expect(left.map(({ text }) => text)).toEqual(["first", "second"]);
    const after = desk(left);
    after.outbox.start();
    expect(last(after)).toMatchObject({ id: left[0]?.id, text: "first" });
  });

  test("gives ids that the server takes, each another", () => {
    const ids = Array.from({ length: 3 }, (_, i) => {
      const world = createWorld(() => i / 3);
      const store = { load: () => [], save() {} };
      return createOutbox(world.environment, store, () => {}).say("x").id;
    });
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
    expect(new Set(ids).size).toBe(3);
  });
});
