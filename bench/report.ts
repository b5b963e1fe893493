import { cpus } from "node:os";
import type { Result, Scenario } from "./scenarios.ts";

/**
 * The medians of several runs of one scenario on one system, figure by figure; of faults the most.
 */
export function medianOf(results: Result[]): Result {
  const [first] = results as [Result];
  const median = (pick: (result: Result) => number | undefined) => {
    const values = results.flatMap((result) => pick(result) ?? []).sort((a, b) => a - b);
    return values[Math.floor(values.length / 2)];
  };
  const figures = Object.fromEntries(
    FIGURES.map(({ key }) => [key, median((result) => result[key])]).filter(([, value]) => value !== undefined),
  );
  const most = (pick: (result: Result) => number) => Math.max(...results.map(pick));
  return {
    ...first,
    ...figures,
    lost: most((result) => result.lost),
    doubled: most((result) => result.doubled),
    reordered: most((result) => result.reordered),
  };
}

/** The goals, and one table in Markdown: a line for each scenario and system. */
export function reportOf(results: Result[], scenarios: Scenario[], runs: number): string {
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "?"}, Node ${process.version}`;
  const goals = scenarios.map(({ name, title, goal }) => `- ${name}: ${title}. Goal: ${goal}.`);
  return `# ${date}

${machine}. Medians of ${runs}; server and database on one core, the generator on the other, unless said.

${goals.join("\n")}

${tableOf(results)}
`;
}

function tableOf(results: Result[]): string {
  const heads = [
    ...["scenario", "system", "requests of", "by", "CPU × nchan"],
    ...FIGURES.map(({ head }) => head),
    "lost, doubled, reordered",
    "",
  ];
  const lines = results.map((result) => [
    result.scenario,
    result.system,
    result.client,
    result.transport,
    ratioOf(result, results),
    ...FIGURES.map(({ key, digits }) => result[key]?.toFixed(digits) ?? ""),
    `${result.lost}, ${result.doubled}, ${result.reordered}`,
    result.note ?? "",
  ]);
  return [heads, heads.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** The CPU as a multiple of what nchan took for the same load by the same transport. */
function ratioOf({ scenario, transport, cpu }: Result, results: Result[]): string {
  const nchan = results.find(
    (one) => one.system === "nchan" && one.scenario === scenario && one.transport === transport,
  );
  return cpu === undefined || nchan?.cpu === undefined ? "" : (cpu / nchan.cpu).toFixed(2);
}

/** CPU first: it is the steadier figure. */
const FIGURES = [
  { key: "cpu", head: "CPU s a million deliveries", digits: 2 },
  { key: "serverCpu", head: "of it server", digits: 2 },
  { key: "databaseCpu", head: "of it PostgreSQL", digits: 2 },
  { key: "cores", head: "share of a core", digits: 2 },
  { key: "p50", head: "p50 ms", digits: 1 },
  { key: "p99", head: "p99 ms", digits: 1 },
  { key: "max", head: "max ms", digits: 0 },
  { key: "thousandsPerSecond", head: "thousand deliveries a second", digits: 1 },
  { key: "ackP50", head: "acknowledged p50 ms", digits: 1 },
  { key: "ackP99", head: "p99 ms", digits: 1 },
  { key: "kibEach", head: "KiB a reader", digits: 1 },
  { key: "serverMb", head: "server MiB", digits: 0 },
  { key: "databaseMb", head: "PostgreSQL MiB", digits: 0 },
  { key: "generatorCpu", head: "generator's CPU s a million", digits: 2 },
] as const;
