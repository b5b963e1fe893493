import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";
import { total } from "./check.ts";

/**
 * Runs a site under faults: `npm run chaos -- --seed 1 --minutes 2`. With `--bug NAME` a bug is
 * planted, and `--faults F1,F2` chooses faults. Exits with 1 if anything is wrong.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      minutes: { type: "string", default: "1" },
      bug: { type: "string" },
      faults: { type: "string" },
    },
  });
  const { bug, faults } = values;
  const startedAt = performance.now();
  const report = await runChaos({
    seed: Number(values.seed),
    seconds: 60 * Number(values.minutes),
    ...(bug !== undefined && { bug }),
    ...(faults !== undefined && { faults: faults.split(",") }),
    say: (line) => console.error(`${Math.round((performance.now() - startedAt) / 1_000)} s: ${line}`),
  });
  const { examples, faults: struck, ...figures } = report;
  console.log(JSON.stringify({ seed: Number(values.seed), faults: struck.length, ...figures }, undefined, 2));
  for (const example of examples) console.log(example);
  process.exit(total(report) === 0 ? 0 : 1);
}

await main();
