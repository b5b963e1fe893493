import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createBackoff, nextDelay, resetBackoff } from "../../client/core/network/backoff.ts";
import { graceMs, held, notHeld } from "../../client/core/network/hold.ts";
import type { Known } from "../../client/core/network/known.ts";
import { createNetwork } from "../../client/core/network/network.ts";
import { cut, lasted, streamLifeMs } from "../../client/core/network/pace.ts";
import { check, createLiveness, expectPing, heardEvent, isSilent } from "../../client/core/reading/liveness.ts";
import { drive } from "./drive.ts";
import { createWorld, type World } from "./world.ts";

const MINUTE = 60_000;

function networkOf(known: Known = {}) {
  return createNetwork(known, 2, { now: 0, random: () => 0.5 });
}

function livenessOf({ environment }: World, hidden = false) {
  const liveness = createLiveness(() => hidden, environment.now());
  return () => Object.assign(liveness, { now: environment.now() });
}

describe("the back-off", () => {
  test("grows to 2 s in the first minute and to 30 s after it, begins within a second, and never ends", () => {
    const world = createWorld(() => 0.999999);
    const backoff = createBackoff(world.environment);
    const delays = () => Array.from({ length: 6 }, () => Math.round(nextDelay(backoff) / 100) / 10);
    expect(delays()).toEqual([0.5, 1, 2, 2, 2, 2]);
    world.pass(MINUTE);
    expect(delays()).toEqual([4, 8, 16, 30, 30, 30]);
    resetBackoff(backoff);
    expect(nextDelay(backoff)).toBeLessThan(1000);
  });

  test("is a random part of that time, with Retry-After as a floor", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.integer({ min: 0, max: 60_000 }),
        (chance, floor) => {
          const backoff = createBackoff(createWorld(() => chance).environment);
          expect(nextDelay(backoff)).toBeCloseTo(chance * 500);
          const asked = nextDelay(backoff, floor);
          expect(asked).toBeGreaterThanOrEqual(floor);
          expect(asked).toBeLessThanOrEqual(Math.max(floor * 1.25, 1000));
        },
      ),
    );
  });
});

describe("the hold of a poll", () => {
  test("begins with 10 s, and grows by half up to 25 s after every five polls that were held", () => {
    const network = networkOf();
    const seconds = [network.holdSeconds];
    for (let i = 0; i < 20; i++) {
      held(network, network.holdSeconds);
      seconds.push(network.holdSeconds);
    }
    expect([...new Set(seconds)]).toEqual([10, 15, 23, 25]);
    expect(networkOf(network.known).holdSeconds).toBe(25);
  });

  test("shrinks to 0.8 of the time that a poll lasted, and to a third if a poll died in silence", () => {
    const network = networkOf();
    notHeld(network, 5_000, { wait: 10, graceMs: 2_500 });
    expect(network.holdSeconds).toBe(4);
    notHeld(network, 200, { wait: 4, graceMs: 2_500 });
    expect(network.holdSeconds).toBe(4);
    const silent = networkOf();
    notHeld(silent, 12_500, { wait: 10, graceMs: 2_500 });
    expect(silent.holdSeconds).toBe(3);
  });

  test("is 0 if no poll lasts two seconds, and then the client polls every 1.5 s", () => {
    const network = networkOf();
    notHeld(network, 1_200, { wait: 10, graceMs: 2_500 });
    expect(network.holdSeconds).toBe(0);
    for (let i = 0; i < 5; i++) held(network, 0);
    expect(network.holdSeconds).toBe(2);
    const machine = drive({ holdSeconds: 0, rung: 2, climbMs: 5 * MINUTE, climbAt: 1_000_000 + 5 * MINUTE });
    machine.happen({ kind: "start" });
    // The first one is answered after 20 ms, and the next one asked at once.
    machine.pass(40);
    expect(machine.opened()).toBe(2);
    machine.pass(1_499);
    expect(machine.opened()).toBe(2);
    machine.pass(1);
    expect(machine.opened()).toBe(3);
  });

  test("has a grace of three round trips, doubled after each silence while the round trip is not known", () => {
    const network = networkOf();
    expect([graceMs(network, 0), graceMs(network, 50), graceMs(network, 1000)]).toEqual([5_000, 2_500, 4_500]);
    notHeld(network, 2_500, { wait: 0, graceMs: 2_500 });
    expect([graceMs(network, 50), graceMs(network, 0)]).toEqual([2_500, 10_000]);
    for (let i = 0; i < 32; i++) notHeld(network, 15_000, { wait: 0, graceMs: 15_000 });
    expect([graceMs(network, 50), graceMs(network, 0)]).toEqual([15_000, 15_000]);
    held(network, 0);
    expect(graceMs(network, 50)).toBe(2_500);
  });
});

describe("the pace of a stream", () => {
  test("requests pings at half of the pause after which the network cut the stream", () => {
    const network = networkOf({ pingSeconds: 15 });
    expect(cut(network, 100_000, 8_000)).toBe(false);
    expect(network.pingSeconds).toBe(4);
  });

  test("requests no slower pings after a pause of hours, since the machine has slept", () => {
    const network = networkOf({ pingSeconds: 5 });
    cut(network, 3_700_000, 3_600_000);
    expect(network.pingSeconds).toBe(5);
  });

  test("renews a stream before the age at which two were cut, and remembers it", () => {
    const network = networkOf();
    cut(network, 60_000, 100);
    expect(streamLifeMs(network)).toBeGreaterThan(4 * MINUTE);
    cut(network, 61_000, 100);
    expect(streamLifeMs(network)).toBeLessThan(49_000);
    expect(streamLifeMs(networkOf(network.known))).toBeLessThan(49_000);
  });

  test("reports that streams are cut too early to be useful", () => {
    const network = networkOf();
    expect([cut(network, 5_000, 100), cut(network, 5_100, 100)]).toEqual([false, true]);
  });

  test("lengthens the life of streams that have lasted, and slows down their pings", () => {
    const network = networkOf();
    expect(network.pingSeconds).toBe(4);
    for (let i = 0; i < 5; i++) lasted(network);
    expect(network.pingSeconds).toBe(15);
    expect(streamLifeMs(network)).toBeGreaterThanOrEqual(8 * MINUTE);
  });
});

describe("liveness", () => {
  test.each([
    ["visible", false, 8_000],
    ["hidden", true, 75_000],
  ])("a %s page misses a ping of 5 s after its time", (_, hidden, limitMs) => {
    const world = createWorld();
    const liveness = livenessOf(world, hidden);
    expectPing(liveness(), 5_000);
    const looks = () => {
      const verdicts = [];
      for (let ms = 0; ms < limitMs; ms += 1000) {
        world.pass(1000);
        verdicts.push(check(liveness()));
      }
      return new Set(verdicts);
    };
    expect(looks()).toEqual(new Set(["fine"]));
    world.pass(1);
    expect([check(liveness()), isSilent(liveness())]).toEqual(["silent", true]);
    Object.assign(liveness(), { heardAt: world.environment.now() });
    expect(check(liveness())).toBe("fine");
  });

  test("a lull in a busy room is questioned after three seconds, and after twice as long each time for nothing", () => {
    const world = createWorld();
    const liveness = livenessOf(world);
    for (let i = 0; i < 5; i++) {
      heardEvent(liveness());
      world.pass(300);
    }
    const lull = () => {
      let ms = 0;
      for (; check(liveness()) === "fine"; ms += 100) world.pass(100);
      liveness().patience *= 2;
      return ms;
    };
    expect([lull(), lull(), lull()]).toEqual([2800, 3000, 6000]);
  });

  test("a room with a message a minute is not busy", () => {
    const world = createWorld();
    const liveness = livenessOf(world);
    for (let i = 0; i < 5; i++) {
      heardEvent(liveness());
      for (let s = 0; s < 60; s++) {
        world.pass(1000);
        expect(check(liveness())).toBe("fine");
      }
    }
  });

  test("a clock that was set back does not hide silence", () => {
    const world = createWorld();
    const liveness = livenessOf(world);
    expectPing(liveness(), 5_000);
    world.setClock(-3_600_000);
    expect(check(liveness())).toBe("fine");
    for (let s = 0; s < 8; s++) {
      world.pass(1000);
      check(liveness());
    }
    world.pass(1);
    expect(check(liveness())).toBe("silent");
  });

  test("a jump of the clock means that the machine has slept", () => {
    const world = createWorld();
    const liveness = livenessOf(world);
    world.pass(2000);
    expect(check(liveness())).toBe("fine");
    world.sleep(6001);
    expect(check(liveness())).toBe("woke");
    expect(check(liveness())).toBe("fine");
  });
});

describe("an expectation", () => {
  test("leads to a question when what must be in the log is not shown in time, one seq at a time", () => {
    const machine = drive();
    const expectSeq = (seq: number) => machine.happen({ kind: "receipt", room: "lobby", seq, rttMs: 100 });
    const show = (seq: number) => machine.bring(machine.open[0], "event", { room: "lobby", seq });
    machine.happen({ kind: "start" });
    machine.pass(1_000);
    expect(machine.phase()).toBe("streaming");
    expectSeq(0);
    expectSeq(1);
    machine.pass(2_999);
    expect(machine.asked()).toBe(0);
    machine.pass(1);
    expect(machine.asked()).toBe(1);
    expectSeq(2);
    expectSeq(3);
    show(1);
    show(2);
    // The third one is expected after the second.
    machine.pass(3_000);
    expect(machine.asked()).toBe(1);
    machine.pass(3_000);
    expect(machine.asked()).toBe(2);
    show(3);
    expectSeq(3);
    machine.pass(4_000);
    expect(machine.asked()).toBe(2);
  });
});
