import { expect, test } from "@jest/globals";
import { steady } from "../../bench/scenarios.ts";
import { start } from "../../bench/systems/chattera.ts";

const FEW = { rooms: 2, readersPerRoom: 10, writersPerRoom: 2, core: undefined };

test.each([
  ["an endless answer", false],
  ["long polls", true],
])(
  "the bench finds every delivery by %s once and in order",
  async (_way, poll) => {
    const result = await steady("smoke", start, { ...FEW, poll }, 20, 1);
    expect(result).toMatchObject({ lost: 0, doubled: 0, reordered: 0 });
    // 20 messages in two rooms of ten readers
    expect((result.thousandsPerSecond as number) * 1000).toBeGreaterThan(0);
    expect(result.curve?.length).toBeGreaterThan(0);
  },
  60_000,
);
