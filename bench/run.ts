import { mkdirSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { medianOf, reportOf } from "./report.ts";
import { type Result, SCENARIOS, type Scenario } from "./scenarios.ts";
import { Missing } from "./systems/missing.ts";
import type { System, SystemOptions } from "./systems/system.ts";

/**
 * Measures chattera and its peers side by side: one scenario after the other, in each all systems, and that so many
 * times. All of it takes an hour and a half; the report is written anew after each scenario. Ends with 1 where a delivery of
 * chattera was lost, doubled or out of order; a figure fails nothing.
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
  .option("--no-write", "leave bench/results/DATE.md as it is")
  .parse()
  .opts<{ scenario: string[]; system: string[]; runs: number; seconds: number; write: boolean }>();

const chosen = SCENARIOS.filter(({ name }) => scenario.includes(name));
const results: Result[] = [];
let report = "";
for (const one of chosen) {
  results.push(...(await mediansOf(one)));
  report = reportOf(results, chosen, runs);
  if (write) keep(report);
}
process.stdout.write(report);
const isFaulty = results.some(
  (result) => result.system.startsWith("chattera") && result.lost + result.doubled + result.reordered > 0,
);
process.exit(isFaulty ? 1 : 0);

/** All systems in each round, so that an hour of noise meets them alike. */
async function mediansOf(one: Scenario): Promise<Result[]> {
  const bySystem = new Map<string, Result[]>();
  for (let round = 0; round < Math.min(runs, one.runs ?? runs); round += 1)
    for (const name of system.filter((name) => one.systems?.includes(name) ?? true)) {
      const result = await measure(name, (start) => one.run(start, seconds));
      if (result) bySystem.set(name, [...(bySystem.get(name) ?? []), result]);
    }
  return [...bySystem.values()].map(medianOf);
}

function keep(text: string): void {
  const folder = new URL("results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${new Date().toISOString().slice(0, 10)}.md`, folder), text);
}

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
