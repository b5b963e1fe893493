import { describe, expect, test } from "@jest/globals";
import type { Known } from "../../client/core/network/known.ts";
import { climb, failed, proved, refused } from "../../client/core/network/ladder.ts";
import { createNetwork } from "../../client/core/network/network.ts";
import { createWorld } from "./world.ts";

const MINUTE = 60_000;

function ladderOf(streams = 2, known: Known = {}) {
  const world = createWorld();
  const { now, random } = world.environment;
  const network = createNetwork(known, streams, { random, now: now() });
  const current = () => Object.assign(network, { now: now() });
  const ladder = {
    rung: () => network.rung,
    climb: () => climb(current()),
    failed: (rung: number, how: "mute" | "refused") => (how === "mute" ? failed : refused)(current(), rung),
    proved: (rung: number) => proved(current(), rung),
    polled() {
      network.polled++;
    },
    carried() {
      network.refusals = 0;
    },
  };
  return { world, known: network.known, ladder };
}

describe("the ladder", () => {
  test("stays on its rung after one refusal, and moves down after two in a row", () => {
    const { ladder } = ladderOf();
    ladder.failed(0, "refused");
    expect(ladder.rung()).toBe(0);
    ladder.carried();
    ladder.failed(0, "refused");
    expect(ladder.rung()).toBe(0);
    ladder.failed(0, "refused");
    expect(ladder.rung()).toBe(1);
  });

  test("moves down at once from a mute rung, and from the last one to polls", () => {
    const { ladder } = ladderOf();
    ladder.failed(0, "mute");
    expect(ladder.rung()).toBe(1);
    ladder.failed(1, "mute");
    expect(ladder.rung()).toBe(2);
  });

  test("does not move down for a rung that it has already left", () => {
    const { ladder } = ladderOf();
    ladder.failed(0, "mute");
    ladder.proved(1);
    ladder.failed(0, "mute");
    expect(ladder.rung()).toBe(1);
  });

  test("climbs after five minutes, and after twice as long each time that fails, up to an hour", () => {
    const { ladder, world } = ladderOf(1);
    ladder.failed(0, "mute");
    const waited: number[] = [];
    for (let i = 0; i < 6; i++) {
      let minutes = 0;
      for (; ladder.climb() === undefined; minutes++) world.pass(MINUTE);
      waited.push(minutes);
      expect(ladder.climb()).toBe(0);
      ladder.failed(0, "mute");
    }
    expect(waited).toEqual([5, 10, 20, 40, 60, 60]);
  });

  test("climbs after thirty polls, if a minute has passed", () => {
    const { ladder, world } = ladderOf();
    ladder.failed(0, "mute");
    for (let i = 0; i < 30; i++) ladder.polled();
    expect(ladder.climb()).toBeUndefined();
    world.pass(MINUTE);
    expect(ladder.climb()).toBe(0);
  });

  test("climbs one rung at a time, with a pause before the next", () => {
    const { ladder, world } = ladderOf();
    ladder.failed(0, "mute");
    ladder.failed(1, "mute");
    world.pass(5 * MINUTE);
    expect(ladder.climb()).toBe(1);
    ladder.proved(1);
    expect([ladder.rung(), ladder.climb()]).toEqual([1, undefined]);
    world.pass(5 * MINUTE);
    expect(ladder.climb()).toBe(0);
    ladder.proved(0);
    expect([ladder.rung(), ladder.climb()]).toEqual([0, undefined]);
  });

  test("begins on the rung that is known for this network, and climbs from there in time", () => {
    const first = ladderOf();
    first.ladder.failed(0, "mute");
    first.ladder.failed(1, "mute");
    const { ladder, world } = ladderOf(2, first.known);
    expect([ladder.rung(), ladder.climb()]).toEqual([2, undefined]);
    world.pass(5 * MINUTE);
    expect(ladder.climb()).toBe(1);
  });

  test("climbs even if the clock was set back", () => {
    const { ladder, world } = ladderOf();
    ladder.failed(0, "mute");
    world.setClock(-600 * MINUTE);
    expect(ladder.climb()).toBeUndefined();
    world.pass(5 * MINUTE);
    expect(ladder.climb()).toBe(0);
  });
});
