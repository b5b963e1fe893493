import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import pLimit from "p-limit";
import { clientKind } from "../test/networks/rig/client-person.ts";
import type { HostileNetwork } from "../test/networks/rig/network.ts";
import { isHere, NETWORKS } from "../test/networks/rig/networks.ts";
import { openPages } from "../test/networks/rig/page-person.ts";
import type { Kind } from "../test/networks/rig/person.ts";
import { plainKind } from "../test/networks/rig/plain-person.ts";
import { pollKind } from "../test/networks/rig/poll-person.ts";
import { openSites, type Sites } from "../test/networks/rig/sites.ts";
import { type TalkOutcome, talk } from "../test/networks/rig/talk.ts";
import startDatabase from "../test/support/start-database.ts";
import stopDatabase from "../test/support/stop-database.ts";

/**
 * Runs a talk through each hostile network and prints the outcomes as a table.
 *
 *     npm run networks [-- [--chromium] [--plain] [--poll] [--parallel 3] [--write] [a part of a
 * name …]]
 *
 * The participants use the client package in Node, or pages in Chromium. --plain and --poll are the
 * controls: an EventSource and a long-poll as anyone would write them in five minutes. --write puts
 * the table into docs/networks.md.
 */
const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    chromium: { type: "boolean" },
    plain: { type: "boolean" },
    poll: { type: "boolean" },
    write: { type: "boolean" },
    parallel: { type: "string", default: "3" },
  },
});
const asked = NETWORKS.filter(({ name }) => names.length === 0 || names.some((part) => name.includes(part)));
const networks = asked.filter((network) => isHere(network) && !(options.chromium && network.isForClients));
const missing = asked.filter((network) => !isHere(network));

await startDatabase();
const sites = await openSites();
const { kind, close } = await openKind();
try {
  const limit = pLimit(Number(options.parallel));
  const outcomes = await Promise.all(networks.map((network) => limit(() => run(network, sites, kind))));
  const text = report(outcomes);
  process.stdout.write(`${text}\n`);
  if (options.write) write(text);
} finally {
  await close();
  await sites.close();
  await stopDatabase();
}
process.exit(0);

async function openKind(): Promise<{ kind: Kind; close(): Promise<void> }> {
  if (options.chromium) return openPages();
  return { kind: options.plain ? plainKind : options.poll ? pollKind : clientKind, close: async () => undefined };
}

async function run(network: HostileNetwork, from: Sites, by: Kind): Promise<TalkOutcome> {
  const site = await from.behind(network);
  const outcome = await talk({ network, site, kind: by });
  await site.close();
  process.stderr.write(`${outcome.survived ? "survived" : "FAILED  "} ${row(outcome)}\n`);
  return outcome;
}

function report(outcomes: TalkOutcome[]): string {
  const survived = outcomes.filter((outcome) => outcome.survived).length;
  return [
    `${kind.name}: ${survived} of ${outcomes.length} networks survived.`,
    ...missing.map(({ name, program }) => `Not here: ${name} (no ${program}).`),
    "",
    "| network | survived | reached | first message ms | p50 ms | p95 ms | max ms | p95 without | lost | doubled | reordered | states |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ...outcomes.map(row),
  ].join("\n");
}

function row(outcome: TalkOutcome): string {
  const { network, survived, lost, doubled, reordered, firstMs, p50Ms, p95Ms, maxMs, directMs, transports, notices } =
    outcome;
  const figures = [firstMs, p50Ms, p95Ms, maxMs, directMs].map(Math.round);
  const states = (outcome.failure ?? notices.join(", ")).replaceAll("\n", " ");
  const cells = [
    network,
    survived ? "yes" : "**no**",
    transports.join(", "),
    ...figures,
    lost,
    doubled,
    reordered,
    states,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** Writes the table into the section of its kind in the document. */
function write(text: string): void {
  const document = new URL("../docs/networks.md", import.meta.url);
  const [begin, end] = [`<!-- ${kind.name}: begin -->`, `<!-- ${kind.name}: end -->`];
  const [before, rest] = readFileSync(document, "utf8").split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`docs/networks.md has no place for ${kind.name}`);
  writeFileSync(document, `${before}${begin}\n\n${text}\n\n${end}${after}`);
}
