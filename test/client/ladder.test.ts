import { describe, expect, test } from "@jest/globals";
import { createLadder } from "../../client/core/ladder.ts";
import { createWorld } from "./world.ts";

const MINUTE = 60_000;

/** A ladder that fails the climb and stands on the lower rung again, so many times; the times it waited. */
function climbs(how: "mute" | "refused", times: number): number[] {
  const world = createWorld();
  const ladder = createLadder(world.outside, 2);
  ladder.next();
  ladder.failed(how);
  if (how === "refused") ladder.failed(how);
  const waited: number[] = [];
  for (let i = 0; i < times; i++) {
    ladder.proved();
    waited.push(ladder.climbInMs());
    world.pass(ladder.climbInMs());
    expect(ladder.next()).toBe(0);
    ladder.failed(how);
  }
  return waited;
}

describe("the ladder", () => {
  test("stays where it is after one refusal, and goes down after two in a row", () => {
    const ladder = createLadder(createWorld().outside, 2);
    expect(ladder.failed("refused")).toBe(false);
    expect(ladder.next()).toBe(0);
    ladder.proved();
    ladder.failed("refused");
    expect(ladder.next()).toBe(0);
    ladder.failed("refused");
    expect(ladder.next()).toBe(1);
  });

  test("goes down at once from a mute rung, but not from the last one", () => {
    const ladder = createLadder(createWorld().outside, 2);
    expect(ladder.failed("mute")).toBe(true);
    expect(ladder.next()).toBe(1);
    expect(ladder.failed("mute")).toBe(false);
    expect(ladder.next()).toBe(1);
  });

  test("climbs after five minutes, then after twice the time, up to an hour", () => {
    expect(climbs("mute", 6).map((ms) => ms / MINUTE)).toEqual([5, 10, 20, 40, 60, 60]);
  });

  test("climbs soon when it was refused only: the server may have been away", () => {
    expect(climbs("refused", 4)).toEqual([10_000, 20_000, 40_000, 80_000]);
  });

  test("climbs after thirty polls, if a minute has passed", () => {
    const world = createWorld();
    const ladder = createLadder(world.outside, 2);
    ladder.failed("mute");
    for (let i = 0; i < 30; i++) ladder.proved();
    expect(ladder.next()).toBe(1);
    world.pass(MINUTE);
    expect(ladder.next()).toBe(0);
  });

  test("blames no rung while all are refused, and forgets how often it has tried", () => {
    const ladder = createLadder(createWorld().outside, 2);
    const tried: number[] = [];
    for (let i = 0; i < 8; i++) {
      tried.push(ladder.next());
      ladder.failed("refused");
    }
    expect(tried).toEqual([0, 0, 1, 0, 1, 0, 1, 0]);
    expect(ladder.climbInMs()).toBeLessThanOrEqual(10_000);
  });

  test("begins anew with five minutes when the better rung has lasted", () => {
    const world = createWorld();
    const ladder = createLadder(world.outside, 2);
    ladder.failed("mute");
    world.pass(5 * MINUTE);
    ladder.next();
    ladder.proved();
    world.pass(2 * MINUTE);
    ladder.failed("mute");
    expect(ladder.climbInMs()).toBe(5 * MINUTE);
  });
});
