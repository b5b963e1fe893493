import { mkdirSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { machine, medianOf, tableOf } from "./report.ts";
import { type Result, SCENARIOS } from "./scenarios.ts";
import { Missing } from "./systems/missing.ts";
import type { System, SystemOptions } from "./systems/system.ts";

/**
 * Measures chattera and its peers side by side: one scenario after the other, in each all systems, and that so many
 * times. Ends with 1 where a delivery of chattera was lost, doubled or out of order; a figure fails nothing.
 */
const { scenario, system, runs, seconds, write } = new Command()
  .option(
    "--scenario <names...>",
    "which",
    SCENARIOS.map(({ name }) => name),
  )
  .option("--system <names...>", "which", ["chattera", "naive", "better-sse", "socket.io", "nchan", "centrifuge"])
  .option("--runs <n>", "how often each; medians are told", Number, 3)
  .option("--seconds <n>", "how long each", Number, 8)
  .option("--write", "write bench/results/DATE.md")
  .parse()
  .opts<{ scenario: string[]; system: string[]; runs: number; seconds: number; write?: true }>();

const chosen = SCENARIOS.filter(({ name }) => scenario.includes(name));
const results: Result[] = [];
for (const one of chosen) {
  const bySystem = new Map<string, Result[]>();
  for (let run = 0; run < runs; run += 1)
    for (const name of system) {
      const result = await measure(name, (start) => one.run(start, seconds));
      if (result) bySystem.set(name, [...(bySystem.get(name) ?? []), result]);
    }
  for (const runsOfOne of bySystem.values()) results.push(medianOf(runsOfOne));
}
const date = new Date().toISOString().slice(0, 10);
const report = `# ${date}\n\n${machine()}; medians of ${runs}; server and database on one core, the generator on another.\n\n${tableOf(results, chosen)}`;
process.stdout.write(report);
if (write) {
  const folder = new URL("results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${date}.md`, folder), report);
}
const faults = results.filter(
  (result) => /^chattera/.test(result.system) && result.lost + result.doubled + result.reordered,
);
process.exit(faults.length > 0 ? 1 : 0);

async function measure(
  name: string,
  run: (start: (options: SystemOptions) => Promise<System>) => Promise<Result>,
): Promise<Result | undefined> {
  const { start } = (await import(`./systems/${name}.ts`)) as { start(options: SystemOptions): Promise<System> };
  try {
    const result = await run(start);
    const { curve: _curve, ...figures } = result;
    process.stderr.write(`${JSON.stringify(figures)}\n`);
    return result;
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    process.stderr.write(`${name} is left out: ${error.message}\n`);
    return undefined;
  }
}
