import { expect, test } from "@jest/globals";
import { runChaos } from "./chaos.ts";

test.each([1, 2, 3])(
  "nothing is lost, doubled or out of order in a short run under faults, seed %i",
  async (seed) => {
    const { counts, examples, faults, acknowledged, deliveries } = await runChaos({ seed, seconds: 12, say() {} });
    expect({ counts, examples, faults }).toMatchObject({ counts: NOTHING, examples: [] });
    // Otherwise the run has shown nothing.
    expect(faults.length).toBeGreaterThan(0);
    expect(acknowledged).toBeGreaterThan(20);
    expect(deliveries).toBeGreaterThan(100);
  },
  180_000,
);

const NOTHING = {
  lost: 0,
  storedTwice: 0,
  twoReceipts: 0,
  holesInLog: 0,
  againstRealTime: 0,
  fabricated: 0,
  doubled: 0,
  silentGaps: 0,
  changed: 0,
  behind: 0,
};
