import { spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type From, from, type HeldRequest } from "../test/support/visitor.ts";
import { say } from "./attacks.ts";
import { freePort } from "./systems/free-port.ts";
import { type Program, runProgram } from "./systems/program.ts";
import { cpuBetween, usageOf } from "./usage.ts";

/**
 * Measures a raid: 200 sessions of one address write into the lobby, with an automatic slow mode.
 * Ann, who is there already, and Ben, who comes during the raid, write from two other addresses
 * every three seconds. Reports what they wait for their receipts, and how many messages a second
 * the room gets. Takes a minute.
 *
 *     npm run build && npx tsx bench/raid.ts [cli.js of another build]
 */
const SECONDS = 20;
const EVERY_MS = 3_000;

/** After this time of a raid, slow mode has begun. */
const BEGUN_MS = 10_000;

const HEAD = `| 200 sessions of one address | their requests a second | Ann's receipt, median / most, ms | refused | Ben's | refused | delivery, median | messages a second: first 10 s | and after | CPU |
|---|---|---|---|---|---|---|---|---|---|`;

/** How raiders write, by the names of bench/attacks.ts. */
const RAIDS = [
  ["raid", "two messages a second each"],
  ["flood", "without a pause"],
] as const;

const args = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), "chattera-raid-"));
await chmod(folder, 0o755); // For root's PostgreSQL, which runs as another user
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
let program: Program | undefined;
try {
  process.stdout.write(`${HEAD}\n`);
  for (const [n, [name, title]] of RAIDS.entries()) {
    program = await start(`data-${n}`);
    process.stdout.write(`${await raided(name, title)}\n`);
    await program.stop();
  }
} finally {
  await program?.kill();
  await sleep(500);
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);

async function start(data: string): Promise<Program> {
  const server = args[0] ?? fileURLToPath(new URL("../dist/server/process/cli.js", import.meta.url));
  const running = runProgram(undefined, [process.execPath, server, "serve"], {
    ...process.env,
    DATABASE_URL: "",
    DATA_DIR: join(folder, data),
    HOST: "127.0.0.1",
    PORT: `${port}`,
    LOG_LEVEL: "info",
  });
  await running.said(/"url":"([^"]+)"/);
  return running;
}

/** Returns the row of a raid. */
async function raided(name: string, title: string): Promise<string> {
  const ann = await person("Ann", "127.0.0.9");
  await speak(ann);
  const pid = [program?.pid as number];
  const before = usageOf(pid);
  const startedAt = performance.now();
  const isOver = () => performance.now() - startedAt > SECONDS * 1000;
  const attack = runAttack(name);
  const talking = talk(ann, isOver);
  await sleep(BEGUN_MS);
  const early = countOf(ann.stream);
  const ben = await person("Ben", "127.0.0.10");
  await Promise.all([talking, talk(ben, isOver)]);
  const seconds = (performance.now() - startedAt) / 1000;
  const late = (countOf(ann.stream) - early) / (seconds - BEGUN_MS / 1000);
  const cpu = cpuBetween(before, usageOf(pid)).server / seconds;
  const requests = await attack;
  for (const { visitor } of [ann, ben]) visitor.close();
  const columns = [
    ...[title, requests, msOf(ann.receipts), ann.refused, msOf(ben.receipts), ben.refused],
    ...[Math.round(at(ann.deliveries, 0.5)), (early / (BEGUN_MS / 1000)).toFixed(1), late.toFixed(1)],
    `${Math.round(cpu * 100)} %`,
  ];
  return `| ${columns.join(" | ")} |`;
}

type Innocent = {
  visitor: From;
  token: string;
  stream: HeldRequest;
  receipts: number[];
  deliveries: number[];
  refused: number;
};

async function person(nickname: string, address: string): Promise<Innocent> {
  const visitor = from(url, address);
  const { body } = await visitor.post("/api/session", { nickname });
  const stream = await visitor.hold("/api/events?room=lobby");
  return { visitor, token: body.token, stream, receipts: [], deliveries: [], refused: 0 };
}

async function talk(who: Innocent, isOver: () => boolean): Promise<void> {
  const spoken: Promise<void>[] = [];
  while (!isOver()) {
    spoken.push(speak(who));
    await sleep(EVERY_MS);
  }
  await Promise.all(spoken);
}

async function speak(who: Innocent): Promise<void> {
  const { visitor, token, stream } = who;
  const startedAt = performance.now();
  const text = `said at ${startedAt}`;
  const { status } = await say(visitor, token, text);
  who.receipts.push(performance.now() - startedAt);
  if (status >= 400) who.refused += 1;
  while (status < 400 && !stream.text().includes(text) && performance.now() - startedAt < 20_000) await sleep(5);
  if (status < 400) who.deliveries.push(performance.now() - startedAt);
}

/** Returns the number of messages that a stream has brought. */
function countOf(stream: HeldRequest): number {
  return stream.text().split('"kind":"message"').length - 1;
}

/** Runs the raiders in a process of their own. Resolves with the number of requests a second. */
function runAttack(name: string): Promise<string> {
  const file = fileURLToPath(new URL("attacks.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file, name, url, "127.0.0.100", `${SECONDS}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  return new Promise((resolve) => child.once("exit", () => resolve(said.trim())));
}

function msOf(values: number[]): string {
  return `${Math.round(at(values, 0.5))} / ${Math.round(at(values, 1))}`;
}

function at(values: number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
