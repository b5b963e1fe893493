import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createBackoff } from "../../client/core/network/backoff.ts";
import { createHold } from "../../client/core/network/hold.ts";
import { createMemory, type Known } from "../../client/core/network/memory.ts";
import { createPace } from "../../client/core/network/pace.ts";
import { createExpectations } from "../../client/core/reading/expectations.ts";
import { createLiveness } from "../../client/core/reading/liveness.ts";
import { createWorld } from "./world.ts";

const MINUTE = 60_000;

function memoryOf(known: Known = {}) {
  return createMemory({ load: () => known, save() {} });
}

describe("the back-off", () => {
  test("grows to 3 s in the first minute and to 30 s after it, begins within a second, and never ends", () => {
    const world = createWorld(() => 0.999999);
    const backoff = createBackoff(world.environment);
    const delays = () => Array.from({ length: 6 }, () => Math.round(backoff.next() / 100) / 10);
    expect(delays()).toEqual([0.5, 1, 2, 3, 3, 3]);
    world.pass(MINUTE);
    expect(delays()).toEqual([6, 12, 24, 30, 30, 30]);
    backoff.reset();
    expect(backoff.next()).toBeLessThan(1000);
  });

  test("takes any part of that time, and what the server asks as a floor", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.integer({ min: 0, max: 60_000 }),
        (chance, floor) => {
          const backoff = createBackoff(createWorld(() => chance).environment);
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
  test("begins with 10 s, and grows by halves to 25 s after every five polls that came through", () => {
    const memory = memoryOf();
    const hold = createHold(memory);
    const held = [hold.seconds()];
    for (let i = 0; i < 20; i++) {
      hold.answered(hold.seconds());
      held.push(hold.seconds());
    }
    expect([...new Set(held)]).toEqual([10, 15, 23, 25]);
    expect(createHold(memory).seconds()).toBe(25);
  });

  test("shrinks to 0.8 of what the network gave, and to a third where a poll died in silence", () => {
    const hold = createHold(memoryOf());
    hold.cut(5_000, 10, 2_500);
    expect(hold.seconds()).toBe(4);
    hold.cut(200, 4, 2_500);
    expect(hold.seconds()).toBe(4);
    const silent = createHold(memoryOf());
    silent.cut(12_500, 10, 2_500);
    expect(silent.seconds()).toBe(3);
  });

  test("ends where nothing is held for two seconds: then it is asked every one and a half", () => {
    const hold = createHold(memoryOf());
    hold.cut(1_200, 10, 2_500);
    expect([hold.seconds(), hold.pauseMs]).toEqual([0, 1_500]);
    for (let i = 0; i < 5; i++) hold.answered(0);
    expect(hold.seconds()).toBe(2);
  });

  test("gives an answer three times the way there and back, and twice as long after each silence of a way that is not known", () => {
    const hold = createHold(memoryOf());
    expect([hold.graceMs(0), hold.graceMs(50), hold.graceMs(1000)]).toEqual([5_000, 2_500, 4_500]);
    hold.cut(2_500, 0, 2_500);
    expect([hold.graceMs(50), hold.graceMs(0)]).toEqual([2_500, 10_000]);
    for (let i = 0; i < 32; i++) hold.cut(15_000, 0, 15_000);
    expect([hold.graceMs(50), hold.graceMs(0)]).toEqual([15_000, 15_000]);
    hold.answered(0);
    expect(hold.graceMs(50)).toBe(2_500);
  });
});

describe("the pace of a stream", () => {
  test("asks for pings at half of the pause that the network did not bear", () => {
    const pace = createPace(createWorld().environment, memoryOf({ pingSeconds: 15 }));
    expect(pace.cut(100_000, 8_000)).toBe(false);
    expect(pace.pingSeconds()).toBe(4);
  });

  test("asks for no slower pings after a pause of hours, for the machine has slept", () => {
    const pace = createPace(createWorld().environment, memoryOf({ pingSeconds: 5 }));
    pace.cut(3_700_000, 3_600_000);
    expect(pace.pingSeconds()).toBe(5);
  });

  test("renews before the age at which two streams were cut, and remembers it", () => {
    const memory = memoryOf();
    const pace = createPace(createWorld().environment, memory);
    pace.cut(60_000, 100);
    expect(pace.lifeMs()).toBeGreaterThan(4 * MINUTE);
    pace.cut(61_000, 100);
    expect(pace.lifeMs()).toBeLessThan(49_000);
    expect(createPace(createWorld().environment, memory).lifeMs()).toBeLessThan(49_000);
  });

  test("says when streams live too short to be worth it", () => {
    const pace = createPace(createWorld().environment, memoryOf());
    expect([pace.cut(5_000, 100), pace.cut(5_100, 100)]).toEqual([false, true]);
  });

  test("gives what has lasted a longer life and slower pings", () => {
    const pace = createPace(createWorld().environment, memoryOf());
    expect(pace.pingSeconds()).toBe(4);
    for (let i = 0; i < 5; i++) pace.lasted();
    expect(pace.pingSeconds()).toBe(15);
    expect(pace.lifeMs()).toBeGreaterThanOrEqual(8 * MINUTE);
  });
});

describe("the watch over silence", () => {
  test.each([
    ["visible", false, 8_000],
    ["hidden", true, 75_000],
  ])("a %s page misses a ping of 5 s after its time", (_, hidden, limitMs) => {
    const world = createWorld();
    const liveness = createLiveness(world.environment, () => hidden);
    liveness.expectPing(5_000);
    const looks = () => {
      const verdicts = [];
      for (let ms = 0; ms < limitMs; ms += 1000) {
        world.pass(1000);
        verdicts.push(liveness.check());
      }
      return new Set(verdicts);
    };
    expect(looks()).toEqual(new Set(["fine"]));
    world.pass(1);
    expect([liveness.check(), liveness.isSilent()]).toEqual(["silent", true]);
    liveness.heard();
    expect(liveness.check()).toBe("fine");
  });

  test("a lull in a busy room is asked about after three seconds, in vain after twice as long", () => {
    const world = createWorld();
    const liveness = createLiveness(world.environment, () => false);
    for (let i = 0; i < 5; i++) {
      liveness.heard(true);
      world.pass(300);
    }
    const lull = () => {
      let ms = 0;
      for (; liveness.check() === "fine"; ms += 100) world.pass(100);
      liveness.quietIndeed();
      return ms;
    };
    expect([lull(), lull(), lull()]).toEqual([2800, 3000, 6000]);
  });

  test("a room where somebody speaks once a minute is not busy", () => {
    const world = createWorld();
    const liveness = createLiveness(world.environment, () => false);
    for (let i = 0; i < 5; i++) {
      liveness.heard(true);
      for (let s = 0; s < 60; s++) {
        world.pass(1000);
        expect(liveness.check()).toBe("fine");
      }
    }
  });

  test("a clock that was set back does not hide silence", () => {
    const world = createWorld();
    const liveness = createLiveness(world.environment, () => false);
    liveness.expectPing(5_000);
    world.setClock(-3_600_000);
    expect(liveness.check()).toBe("fine");
    for (let s = 0; s < 8; s++) {
      world.pass(1000);
      liveness.check();
    }
    world.pass(1);
    expect(liveness.check()).toBe("silent");
  });

  test("a jump of the clock means that the machine has slept", () => {
    const world = createWorld();
    const liveness = createLiveness(world.environment, () => false);
    world.pass(2000);
    expect(liveness.check()).toBe("fine");
    world.sleep(6001);
    expect(liveness.check()).toBe("woke");
    expect(liveness.check()).toBe("fine");
  });
});

describe("the echo", () => {
  test("is late when what must be in the log is not shown in time, room by room", () => {
    const world = createWorld();
    const told: string[] = [];
    const shown: { [room: string]: number } = { east: 0, west: 9 };
    const tell = (word: string) => () => told.push(word);
    const expectations = createExpectations(
      world.environment,
      (room) => shown[room] as number,
      tell("late"),
      tell("in time"),
    );
    expectations.expect("west", 9, 1000);
    expectations.expect("east", 1, 3000);
    world.pass(2999);
    expect(told).toEqual([]);
    world.pass(1);
    expect(told).toEqual(["late"]);
    expectations.expect("east", 2, 3000);
    expectations.expect("east", 3, 3000);
    shown.east = 2;
    world.pass(3000);
    expect(told).toEqual(["late", "in time"]);
    world.pass(3000);
    expect(told).toEqual(["late", "in time", "late"]);
    shown.east = 3;
    expectations.expect("east", 3, 3000);
    expect(world.timers()).toBe(0);
  });
});
