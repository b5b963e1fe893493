import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";
import { type ChaosFindings, total } from "./check.ts";
import { runOutage } from "./outage.ts";
import { runSoak } from "./soak.ts";

/**
 * Runs a site under faults: `npm run chaos -- --seed 1 --minutes 2`. With `--bug NAME` a bug is
 * planted, and `--faults F1,F2` chooses faults. Instead of faults, `--soak` has people talk at one
 * node with little memory, and `--outage KIND` takes the database away. Exits with 1 if anything is
 * wrong.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      minutes: { type: "string", default: "1" },
      bug: { type: "string" },
      faults: { type: "string" },
      soak: { type: "boolean", default: false },
      outage: { type: "string" },
    },
  });
  const { bug, faults, soak, outage } = values;
  const startedAt = performance.now();
  const plan = {
    seed: Number(values.seed),
    seconds: 60 * Number(values.minutes),
    ...(bug !== undefined && { bug }),
    ...(faults !== undefined && { faults: faults.split(",") }),
    say: (line: string) => console.error(`${Math.round((performance.now() - startedAt) / 1_000)} s: ${line}`),
  };
  if (soak) finish(plan.seed, await runSoak(plan));
  if (outage !== undefined) finish(plan.seed, await runOutage({ ...plan, kind: outage }));
  const { faults: struck, ...report } = await runChaos(plan);
  for (const [fault, reason] of Object.entries(report.skipped)) plan.say(`skipped: ${fault}: ${reason}`);
  finish(plan.seed, { faults: struck.length, ...report });
}

function finish(seed: number, { examples, ...figures }: ChaosFindings & { [figure: string]: unknown }): never {
  console.log(JSON.stringify({ seed, ...figures }, undefined, 2));
  for (const example of examples) console.log(example);
  process.exit(total({ counts: figures.counts, examples }) === 0 ? 0 : 1);
}

await main();
