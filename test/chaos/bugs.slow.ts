import { expect, test } from "@jest/globals";
import { runChaos } from "./chaos.ts";
import { total } from "./check.ts";
import { BUGS } from "./plant.ts";

test.each(Object.entries(BUGS))(
  "the checker finds the planted bug %s",
  async (bug, { faults }) => {
    const report = await runChaos({ seed: 1, seconds: 20, bug, faults, say() {} });
    expect(total(report)).toBeGreaterThan(0);
  },
  180_000,
);
