import { afterAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { createRateLimits, type Limit, type RateLimits } from "../../server/guard/rate-limit.ts";
import { createShares, parseShares } from "../../server/guard/shares.ts";
import type { Refusal } from "../../server/refusal.ts";

let limits: RateLimits;
const refused: string[] = [];

beforeEach(() => {
  jest.useFakeTimers();
  refused.length = 0;
  limits = createRateLimits({
    isOn: true,
    shares: createShares(parseShares(["203.0.113.0/24=10", "203.0.113.9=2", "2001:db8::/32=20"])),
    onRefused: (name, scope) => refused.push(`${name} ${scope}`),
  });
});

afterAll(() => {
  jest.useRealTimers();
});

type Payer = Parameters<Limit["take"]>[0];

/** How many of `tries` pass. */
function passing(limit: Limit, tries: number, payerOf: (n: number) => Payer): number {
  let passed = 0;
  for (let n = 0; n < tries; n += 1)
    try {
      limit.take(payerOf(n));
      passed += 1;
    } catch (error) {
      expect((error as Refusal).code).toBe("too_many");
    }
  return passed;
}

function refusalOf(limit: Limit, payer: Payer): Refusal | undefined {
  try {
    limit.take(payer);
    return undefined;
  } catch (error) {
    return error as Refusal;
  }
}

test("a new member sends 20 messages at once and then two a second", () => {
  const ann = () => ({ address: "192.0.2.1", member: "ann", room: "r1", isNew: true });
  expect(passing(limits.messages, 30, ann)).toBe(20);
  jest.advanceTimersByTime(5_000);
  expect(passing(limits.messages, 30, ann)).toBe(10);
});

test("a member who has been here for a minute sends 60 at once, as after an outage, once in ten minutes", () => {
  const ann = () => ({ address: "192.0.2.1", member: "ann", room: "r1" });
  expect(passing(limits.messages, 100, ann)).toBe(60);
  jest.advanceTimersByTime(60_000);
  // 20 of the first bucket, which is full again, and 4 of the 40.
  expect(passing(limits.messages, 100, ann)).toBe(24);
  jest.advanceTimersByTime(600_000);
  expect(passing(limits.messages, 100, ann)).toBe(60);
});

test("a member who sends all the time gets little more than two messages a second", () => {
  const ann = () => ({ address: "192.0.2.1", member: "ann", room: "r1" });
  let passed = passing(limits.messages, 100, ann);
  for (let second = 0; second < 600; second += 1) {
    jest.advanceTimersByTime(1_000);
    passed += passing(limits.messages, 10, ann);
  }
  expect(passed).toBeLessThanOrEqual(60 + 600 * 2 + 40);
});

test("a charge that is given back is no message more than was taken", () => {
  const ann = { address: "192.0.2.1", member: "ann", room: "r1" };
  expect(passing(limits.messages, 100, () => ann)).toBe(60);
  for (let n = 0; n < 5; n += 1) limits.messages.giveBack(ann);
  expect(passing(limits.messages, 100, () => ann)).toBe(5);
});

test("one address sends 400 messages at once and 30 a second, with any number of sessions", () => {
  const anyone = (n: number) => ({ address: "192.0.2.1", member: `member ${n}`, room: `r${n % 7}` });
  expect(passing(limits.messages, 1_000, anyone)).toBe(400);
  jest.advanceTimersByTime(10_000);
  expect(passing(limits.messages, 1_000, (n) => anyone(n + 1_000))).toBe(300);
  expect(refused).toContain("messages network");
});

test("a raid from many addresses leaves other rooms alone", () => {
  const raider = (n: number) => ({ address: `198.51.100.${n % 250}`, member: `raider ${n}`, room: "r1" });
  expect(passing(limits.messages, 2_000, raider)).toBe(600);
  expect(refusalOf(limits.messages, { address: "192.0.2.1", member: "ann", room: "r2" })).toBeUndefined();
});

test("new sessions from many addresses leave messages to the members before them", () => {
  const newcomer = (n: number) => ({ address: `198.51.100.${n % 250}`, member: `${n}`, room: "r1", isNew: true });
  expect(passing(limits.messages, 2_000, newcomer)).toBe(400);
  expect(refusalOf(limits.messages, newcomer(3_000))?.message).toMatch(
    /^Too many messages from newcomers in this room/,
  );
  expect(refusalOf(limits.messages, { ...newcomer(3_000), isNew: false })).toBeUndefined();
});

/**
 * How many of 30 newcomers with a message each, two a second, are heard while raiders try all the
 * time.
 */
function heardDuring(raider: (n: number) => Payer, options: { isNew: boolean }): number {
  let heard = 0;
  for (let n = -10; n < 30; n += 1) {
    jest.advanceTimersByTime(500);
    // The raid has five seconds to take all there is.
    passing(limits.messages, 150, raider);
    const newcomer = { address: `192.0.2.${n}`, member: `newcomer ${n}`, room: "r1", ...options };
    if (n >= 0) heard += passing(limits.messages, 1, () => newcomer);
  }
  return heard;
}

describe("a raid that tries all the time", () => {
  test.each([2, 8, 16, 32])("from %d addresses with new sessions leaves newcomers their messages", (addresses) => {
    const raider = (n: number) => ({
      address: `198.51.100.${n % addresses}`,
      member: `raider ${n}`,
      room: "r1",
      isNew: true,
    });
    expect(heardDuring(raider, { isNew: true })).toBeGreaterThanOrEqual(29);
    expect(refused).toContain("messages network");
  });

  test("from two /64s of one /48 with new sessions leaves newcomers their messages", () => {
    const raider = (n: number) => ({ address: `2a00:1:2:${n % 2}::1`, member: `raider ${n}`, room: "r1", isNew: true });
    expect(heardDuring(raider, { isNew: true })).toBeGreaterThanOrEqual(29);
  });

  test("from a whole /48 with old sessions leaves everyone else their messages", () => {
    const raider = (n: number) => ({ address: `2a00:1:2:${n % 100}::1`, member: `raider ${n}`, room: "r1" });
    expect(heardDuring(raider, { isNew: false })).toBeGreaterThanOrEqual(29);
  });
});

test("a crowded room gives a named network as many shares as its factor", () => {
  const raider = (n: number) => ({ address: `198.51.100.${n % 50}`, member: `raider ${n}`, room: "r1" });
  passing(limits.messages, 302, raider);
  const from = (address: string) => passing(limits.messages, 1_000, (n) => ({ address, member: `${n}`, room: "r1" }));
  expect(from("192.0.2.1")).toBeLessThan(70);
  expect(from("203.0.113.1")).toBeGreaterThan(150);
});

test("a refusal names the full bucket and the time to wait", () => {
  const ann = { address: "192.0.2.1", member: "ann", room: "r1", isNew: true };
  passing(limits.messages, 20, () => ann);
  expect(refusalOf(limits.messages, ann)).toMatchObject({
    message: "Too many messages from you. Try again in 1 s.",
    retrySeconds: 1,
  });
  passing(limits.rooms, 30, () => ann);
  expect(refusalOf(limits.rooms, ann)).toMatchObject({
    message: "Too many rooms from your network. Try again in 2 s.",
    retrySeconds: 2,
  });
  passing(limits.messages, 2_000, (n) => ({ address: `198.51.100.${n % 250}`, member: `${n}`, room: "r3" }));
  expect(refusalOf(limits.messages, { address: "192.0.2.2", member: "bob", room: "r3" })?.message).toBe(
    "Too many messages in this room. Try again in 1 s.",
  );
});

test("a refused request is charged to nobody: a retry never makes the wait longer", () => {
  const room = { address: "192.0.2.1", member: "ann", room: "r1", isNew: true };
  passing(limits.messages, 2_000, (n) => ({ address: `198.51.100.${n % 250}`, member: `${n}`, room: "r1" }));
  expect(passing(limits.messages, 500, () => room)).toBe(0);
  // Neither Ann's own share nor her network's went into the 500 tries.
  expect(passing(limits.messages, 30, () => ({ ...room, room: "r2" }))).toBe(20);
  const others = (n: number) => ({ address: "192.0.2.1", member: `${n}`, room: n % 2 ? "r4" : "r5" });
  expect(passing(limits.messages, 500, others)).toBe(380);
});

test("a returned charge can be spent again", () => {
  const ann = { address: "192.0.2.1", member: "ann", room: "r1", isNew: true };
  passing(limits.messages, 20, () => ann);
  limits.messages.giveBack(ann);
  expect(passing(limits.messages, 5, () => ann)).toBe(1);
});

test("a request may cost more than one, and never more than there is", () => {
  const ann = { address: "192.0.2.1", member: "ann" };
  limits.reads.take(ann, 10_000);
  expect(refusalOf(limits.reads, ann)?.retrySeconds).toBeGreaterThan(100);
});

test("a /48 has ten times the share of a /64", () => {
  const passed = passing(limits.sessions, 8_000, (n) => ({ address: `2a00:1:2:${n.toString(16)}::1` }));
  expect(passed).toBe(3_000);
  expect(passing(limits.sessions, 1, () => ({ address: "2a00:1:3::1" }))).toBe(1);
});

test("addresses of one /64 share, in any spelling", () => {
  expect(passing(limits.sessions, 400, (n) => ({ address: `2a00:1:2:3::${n.toString(16)}` }))).toBe(300);
});

test("a named network has as many shares as its factor; of two the smaller network counts", () => {
  const from = (address: string) => passing(limits.rooms, 1_000, () => ({ address }));
  expect(from("192.0.2.1")).toBe(30);
  expect(from("203.0.113.1")).toBe(300);
  expect(from("203.0.113.9")).toBe(60);
  expect(from("2001:db8:1:2::3")).toBe(600);
  expect(from("2001:db9::1")).toBe(30);
});

test("limits that are off let everything pass", () => {
  const off = createRateLimits({ isOn: false, shares: () => 1, onRefused: () => undefined });
  expect(passing(off.rooms, 10_000, () => ({ address: "192.0.2.1" }))).toBe(10_000);
});

test.each([
  "203.0.113.0/33=2",
  "203.0.113.0/24",
  "203.0.113.0/24=0",
  "2001:db8::/129=2",
  "office=10",
  "203.0.113.7=0.5",
])("%j is no share", (entry) => {
  expect(() => parseShares([entry])).toThrow(entry);
});
