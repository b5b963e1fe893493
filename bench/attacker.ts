import { spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { COLORS } from "../protocol/limits.ts";
import { createTokens } from "../server/token.ts";
import { type From, from, type HeldRequest, type VisitorReply } from "../test/support/visitor.ts";
import { ATTACKS, say } from "./attacks.ts";
import { freePort } from "./systems/free-port.ts";
import { type Program, runProgram } from "./systems/program.ts";
import { cpuBetween, usageOf } from "./usage.ts";

/**
 * Measures what one attacker costs everyone else: each of bench/attacks.ts, one after the other,
 * against this build or another, while a bystander at another address speaks, reads and asks
 * whether the server lives. Takes five minutes.
 *
 *     npm run build && npx tsx bench/attacker.ts [cli.js of another build] [attack ...]
 */
const args = process.argv.slice(2);
const cli = args[0]?.endsWith(".js") ? args.shift() : undefined;
const names = args.length > 0 ? args : Object.keys(ATTACKS);

const SECONDS = 12;

/** The room is in slow mode, because the writers of its history are newcomers. */
const SPEAKS_EVERY_MS = 2_500;

/** Messages in the room before the attacks, so that there is something to read. */
const HISTORY = 360;

const HEAD = `| one address sends | it gets | /healthz, median / most, ms | bystander's receipt | and delivery | its failures | a newcomer gets | CPU | memory |
|---|---|---|---|---|---|---|---|---|`;

const secret = randomBytes(24).toString("base64url");

/** The bystander is no newcomer: its session is an hour old. */
const token = createTokens({ secrets: [secret], siteSecret: "", sessionMs: 86_400_000, formerUntil: 0 }).sign(
  { id: randomUUID(), nickname: "Bystander", color: COLORS[0] as string },
  Date.now() - 3_600_000,
);

const folder = await mkdtemp(join(tmpdir(), "chattera-attacker-"));
await chmod(folder, 0o755); // For root's PostgreSQL, which runs as another user
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
let program: Program | undefined;
try {
  program = await start();
  await fill();
  const quiet = await watch(async () => sleep(SECONDS * 1000).then(() => ""));
  process.stdout.write(`${HEAD}\n${rowOf("nothing", quiet)}\n`);
  for (const [n, name] of names.entries()) {
    const row = await watch(() => attack(name, `127.0.0.${100 + n}`));
    process.stdout.write(`${rowOf(ATTACKS[name]?.title ?? name, row)}\n`);
    await sleep(2_000);
  }
} finally {
  await program?.kill();
  await sleep(500);
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);

async function start(): Promise<Program> {
  const server = cli ?? fileURLToPath(new URL("../dist/server/process/cli.js", import.meta.url));
  const running = runProgram(undefined, [process.execPath, server, "serve"], {
    ...process.env,
    DATABASE_URL: "",
    DATA_DIR: join(folder, "data"),
    HOST: "127.0.0.1",
    PORT: `${port}`,
    LOG_LEVEL: "info",
    CHATTERA_READERS: "1000",
    CHATTERA_SECRET: secret,
  });
  await running.said(/"url":"([^"]+)"/);
  return running;
}

/** From many addresses, for one has a limit. */
async function fill(): Promise<void> {
  for (let n = 0; n < HISTORY; n += 12) {
    const visitor = from(url, `127.0.2.${1 + n / 12}`);
    const { body } = await visitor.post("/api/session", { nickname: `Earlier ${n}` });
    await Promise.all(
      Array.from({ length: 12 }, (_, i) => say(visitor, body.token, `${n + i} ${"long ".repeat(300)}`)),
    );
    visitor.close();
  }
}

/** Runs an attack in a process of its own and returns what it says that it achieved. */
function attack(name: string, address: string): Promise<string> {
  const file = fileURLToPath(new URL("attacks.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file, name, url, address, `${SECONDS}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  // An attack that stalls the server for minutes is cut short. The stall so far says enough.
  const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
  return new Promise((resolve) =>
    child.once("exit", () => {
      clearTimeout(late);
      resolve(said.trim() || "cut after 30 s");
    }),
  );
}

type Seen = {
  achieved: string;
  health: number[];
  acks: number[];
  deliveries: number[];
  failed: number;
  newcomer: string;
  cpuShare: number;
  addedMb: number;
};

/** Watches from another address while `work` is under way. */
async function watch(work: () => Promise<string>): Promise<Seen> {
  const bystander = from(url, "127.0.0.9");
  const stream = await bystander.hold("/api/events?room=lobby");
  const seen: Seen = {
    achieved: "",
    health: [],
    acks: [],
    deliveries: [],
    failed: 0,
    newcomer: "",
    cpuShare: 0,
    addedMb: 0,
  };
  let isOver = false;
  const pid = [program?.pid as number];
  const before = usageOf(pid);
  const startedAt = performance.now();
  const watching = Promise.all([
    repeat(
      100,
      () => isOver,
      () => timed(seen.health, () => bystander.get("/healthz"), seen),
    ),
    repeat(
      SPEAKS_EVERY_MS,
      () => isOver,
      () => speak({ bystander, stream, seen }),
    ),
  ]);
  const working = work();
  // While the attack is on: a stream may be held, a poll, a test of the doctor.
  await sleep(4_000);
  seen.newcomer = await asNewcomer();
  seen.achieved = await working;
  isOver = true;
  const after = usageOf(pid);
  seen.cpuShare = cpuBetween(before, after).server / ((performance.now() - startedAt) / 1000);
  seen.addedMb = after.serverMb - before.serverMb;
  await watching;
  bystander.close();
  return seen;
}

async function repeat(everyMs: number, isOver: () => boolean, work: () => Promise<unknown>): Promise<void> {
  const running: Promise<unknown>[] = [];
  while (!isOver()) {
    running.push(work());
    await sleep(everyMs);
  }
  await Promise.all(running);
}

async function timed(into: number[], ask: () => Promise<VisitorReply>, seen: Seen): Promise<VisitorReply | undefined> {
  const startedAt = performance.now();
  const reply = await ask().catch(() => undefined);
  into.push(performance.now() - startedAt);
  if (reply === undefined || reply.status >= 400) seen.failed += 1;
  return reply;
}

type Bystander = { bystander: From; stream: HeldRequest; seen: Seen };

async function speak({ bystander, stream, seen }: Bystander): Promise<void> {
  const startedAt = performance.now();
  const text = `by ${startedAt}`;
  const read = (async () => {
    while (!stream.text().includes(text) && performance.now() - startedAt < 20_000) await sleep(5);
    seen.deliveries.push(performance.now() - startedAt);
  })();
  await timed(seen.acks, () => say(bystander, token, text), seen);
  await read;
}

/** Returns what a newcomer gets now: by stream, by poll, from the path doctor, as readiness. */
async function asNewcomer(): Promise<string> {
  const newcomer = from(url, "127.0.0.10");
  const within = <T>(asked: Promise<T>, otherwise: T) =>
    Promise.race([asked, sleep(5_000, otherwise, { ref: false })]).catch(() => otherwise);
  const stream = await within(newcomer.hold("/api/events?room=lobby").then(greeting), "late");
  const status = (path: string) =>
    within(
      newcomer.get(path).then((reply) => String(reply.status)),
      "late",
    );
  const words = `stream ${stream}, poll ${await status("/api/poll?room=lobby&wait=0")}, doctor ${await status("/api/doctor/echo")}, ready ${await status("/readyz")}`;
  newcomer.close();
  return words;
}

async function greeting(stream: HeldRequest): Promise<string> {
  while (!/event: (hello|bye)/.test(stream.text())) await sleep(10);
  return /event: (hello|bye)/.exec(stream.text())?.[1] as string;
}

function rowOf(title: string, seen: Seen): string {
  const ms = (values: number[]) => `${Math.round(at(values, 0.5))} / ${Math.round(at(values, 1))}`;
  const columns = [
    title,
    seen.achieved,
    ms(seen.health),
    ms(seen.acks),
    ms(seen.deliveries),
    seen.failed,
    seen.newcomer,
    `${Math.round(seen.cpuShare * 100)} %`,
    `${Math.round(seen.addedMb)} MB`,
  ];
  return `| ${columns.join(" | ")} |`;
}

function at(values: number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
