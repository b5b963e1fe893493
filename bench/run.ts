import { mkdirSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import type { ClientName } from "./clients/templates.ts";
import { medianOf, reportOf } from "./report.ts";
import { type Result, type RunOptions, SCENARIOS, type Scenario } from "./scenarios.ts";
import { Missing } from "./systems/missing.ts";
import type { LoadTransport, System, SystemOptions } from "./systems/system.ts";

/**
 * Measures chattera and its peers side by side: one scenario after the other, in each all systems,
 * and that several times. All of it takes two hours; the report is written again after each
 * scenario. Ends with 1 where a delivery of chattera was lost, doubled or out of order; a figure
 * fails nothing.
 */
const { scenario, system, client, transport, runs, write, ...options } = new Command()
  .option(
    "--scenario <names...>",
    "which",
    SCENARIOS.map(({ name }) => name),
  )
  .option("--system <names...>", "which", ["chattera", "naive", "better-sse", "socket.io", "nchan", "centrifuge"])
  .option("--client <names...>", "whose requests chattera is sent, where that matters", ["page", "npm"])
  .option("--transport <names...>", "what brings the events, where that matters", ["stream", "poll"])
  .option("--typing", "members report that they are typing before each message, as the page does")
  .option("--runs <n>", "how often each; the report has medians", Number, 3)
  .option("--seconds <n>", "how long each", Number, 8)
  .option("--warm-seconds <n>", "how long each is under load before", Number, 20)
  .option("--minutes <n>", "how long seed", Number, 10)
  .option("--no-write", "leave bench/results/DATE.md as it is")
  .parse()
  .opts<{
    scenario: string[];
    system: string[];
    client: ClientName[];
    transport: LoadTransport[];
    runs: number;
    seconds: number;
    warmSeconds: number;
    minutes: number;
    typing?: true;
    write: boolean;
  }>();
const run: RunOptions = { ...options, isTyping: options.typing === true };

/** A system, and what the crowd plays before it. */
type Play = { name: string; client: ClientName; transport: LoadTransport };

/**
 * The transports of each system. Peers have no client of their own: they receive the page's header
 * lines.
 */
const CARRIES: { [name: string]: LoadTransport[] } = {
  chattera: ["stream", "poll"],
  nchan: ["stream", "poll"],
  "socket.io": ["poll"],
};

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
  const byPlay = new Map<Play, Result[]>();
  const plays = playsOf(one);
  for (let round = 0; round < Math.min(runs, one.runs ?? runs); round += 1)
    for (const play of plays) {
      const result = await measure(play, one);
      if (result) byPlay.set(play, [...(byPlay.get(play) ?? []), result]);
    }
  return [...byPlay.values()].map(medianOf);
}

function playsOf({ systems, clients = ["page"], transports = ["stream"] }: Scenario): Play[] {
  const isAsked = (name: string) => systems?.includes(name) ?? true;
  return system.filter(isAsked).flatMap((name) => {
    const carries = CARRIES[name] ?? ["stream"];
    // A system without streams is asked by polls: the load is the same.
    const ways = transports.filter((way) => transport.includes(way) && carries.includes(way));
    const played = name === "chattera" ? clients.filter((one) => client.includes(one)) : (["page"] as const);
    return played.flatMap((client) => ways.map((transport) => ({ name, client, transport })));
  });
}

function keep(text: string): void {
  const folder = new URL("results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${new Date().toISOString().slice(0, 10)}.md`, folder), text);
}

async function measure({ name, client, transport }: Play, one: Scenario): Promise<Result | undefined> {
  const { start } = (await import(`./systems/${name}.ts`)) as { start(options: SystemOptions): Promise<System> };
  try {
    const result = await one.run((options) => start({ ...options, client, transport }), run);
    const { curve: _curve, ...figures } = result;
    process.stderr.write(`${JSON.stringify(figures)}\n`);
    return result;
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    process.stderr.write(`${name} is left out: ${error.message}\n`);
    return undefined;
  }
}
