import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createBackoff } from "../../client/core/backoff.ts";
import { createEcho } from "../../client/core/echo.ts";
import { createHold } from "../../client/core/hold.ts";
import { createSilence } from "../../client/core/silence.ts";
import { createWorld } from "./world.ts";

describe("the back-off", () => {
  test("grows by doubling to 30 s, begins within a second, and never ends", () => {
    const backoff = createBackoff(createWorld(() => 0.999999).outside);
    const delays = Array.from({ length: 10 }, () => Math.round(backoff.next() / 100) / 10);
    expect(delays).toEqual([0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]);
    backoff.reset();
    expect(backoff.next()).toBeLessThan(1000);
  });

  test("takes any part of that time, and what the server asks as a floor", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.integer({ min: 0, max: 60_000 }),
        (chance, floor) => {
          const backoff = createBackoff(createWorld(() => chance).outside);
          expect(backoff.next()).toBeCloseTo(chance * 500);
          const asked = backoff.next(floor);
          expect(asked).toBeGreaterThanOrEqual(floor);
          expect(asked).toBeLessThanOrEqual(Math.max(floor * 1.25, 1000));
        },
      ),
    );
  });
});

describe("the hold of a poll", () => {
  test("shrinks to 0.8 of what the network allows, at least 5 s, and grows again after twenty polls", () => {
    const hold = createHold();
    expect(hold.seconds()).toBe(25);
    hold.cut(15_000);
    expect(hold.seconds()).toBe(12);
    hold.cut(200);
    expect(hold.seconds()).toBe(12);
    hold.cut(5_500);
    expect(hold.seconds()).toBe(5);
    for (let i = 0; i < 20; i++) hold.answered();
    expect(hold.seconds()).toBe(7);
  });
});

describe("the watch over silence", () => {
  test.each([
    ["visible", false, 40_000],
    ["hidden", true, 75_000],
  ])("a %s page calls the connection dead after its time", (_, hidden, limitMs) => {
    const world = createWorld();
    const silence = createSilence(world.outside, () => hidden);
    world.pass(limitMs);
    expect(silence.check()).not.toBe("dead");
    world.pass(1);
    expect(silence.check()).toBe("dead");
    silence.heard();
    expect(silence.check()).toBe("fine");
  });

  test("a clock that was set back does not hide silence", () => {
    const world = createWorld();
    const silence = createSilence(world.outside, () => false);
    world.sleep(-3_600_000);
    expect(silence.check()).toBe("fine");
    world.pass(40_001);
    expect(silence.check()).toBe("dead");
  });

  test("a jump of the clock means that the machine has slept", () => {
    const world = createWorld();
    const silence = createSilence(world.outside, () => false);
    world.pass(2000);
    expect(silence.check()).toBe("fine");
    world.sleep(6001);
    expect(silence.check()).toBe("woke");
    expect(silence.check()).toBe("fine");
  });
});

describe("the echo", () => {
  test("is late when what must be in the log is not shown in time", () => {
    const world = createWorld();
    const told: string[] = [];
    let shown = 0;
    const tell = (word: string) => () => told.push(word);
    const echo = createEcho(world.outside, () => shown, tell("late"), tell("in time"));
    echo.expect(1, 3000);
    world.pass(2999);
    expect(told).toEqual([]);
    world.pass(1);
    expect(told).toEqual(["late"]);
    echo.expect(2, 3000);
    echo.expect(3, 3000);
    shown = 2;
    world.pass(3000);
    expect(told).toEqual(["late", "in time"]);
    world.pass(3000);
    expect(told).toEqual(["late", "in time", "late"]);
    shown = 3;
    echo.expect(3, 3000);
    expect(world.timers()).toBe(0);
  });
});
