import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { Agent, get, request } from "node:http";

/**
 * One room, many readers, many remarks: every delivery is checked for once and order, and its time is taken.
 *
 *     npm run build && DATABASE_URL=postgres://… npx tsx bench/crowd.ts [readers 1000] [remarks a second 100] [seconds 10]
 *
 * The server runs as a process of its own, on the first core where `taskset` is found. SERVER names another one to
 * measure, e.g. `SERVER="--import tsx bench/naive.ts"`. Prints one JSON line.
 */
const [readers = 1000, rate = 100, seconds = 10] = process.argv.slice(2).map(Number);
const TASKSET = "/usr/bin/taskset";
const room = `bench-${Date.now()}`;
const latencies: number[] = [];
let deliveries = 0;
let faults = 0;

const server = await start();
try {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  await post(agent, "/api/rooms", { slug: room });
  const writers = await Promise.all(Array.from({ length: 20 }, (_, n) => writer(agent, n)));
  const last = await Promise.all(Array.from({ length: readers }, (_, n) => read(n)));
  const before = usage(server.process);
  const receipts = await speak(agent, writers);
  const head = Math.max(...receipts);
  await until(() => last.every((reader) => reader.seq === head), 10_000);
  const after = usage(server.process);
  const cpu = after.cpuSeconds - before.cpuSeconds;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => Math.round(latencies[Math.floor(latencies.length * share)] as number);
  const result = {
    readers,
    rate,
    seconds,
    deliveries,
    faults: faults + last.filter((reader) => reader.seq !== head).length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuSecondsPerMillion: Number(((cpu / deliveries) * 1e6).toFixed(2)),
    serverRssMb: after.rssMb,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  agent.destroy();
} finally {
  server.process.kill("SIGTERM");
}
process.exit(0);

/** A node on a free port, with the figures of its process readable. */
async function start(): Promise<{ url: string; process: ChildProcess }> {
  const env = { ...process.env, PORT: "0", HOST: "127.0.0.1", CHATTERA_LIMITS: "off", LOG_LEVEL: "warn" };
  const program = [process.execPath, ...(process.env.SERVER ?? "dist/server/cli.js serve").split(" ")];
  const [command, ...args] = existsSync(TASKSET) ? [TASKSET, "-c", "0", ...program] : program;
  const child = spawn(command as string, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const found = /chattera is at (\S+)/.exec(said)?.[1];
      if (found) resolve(found);
    });
    child.once("exit", () => reject(new Error(said)));
  });
  return { url, process: child };
}

function read(n: number): Promise<{ seq: number }> {
  const reader = { seq: 0 };
  return new Promise((resolve, reject) => {
    get(`${server.url}/api/events?room=${room}`, { agent: false }, (response) => {
      let rest = "";
      response.setEncoding("latin1").on("data", (part: string) => {
        const text = rest + part;
        const end = text.lastIndexOf("\n\n") + 2;
        rest = text.slice(end);
        take(reader, text.slice(0, end), n % 20 === 0);
        resolve(reader);
      });
    }).once("error", reject);
  });
}

/** Every seq must follow on the one before; of every twentieth reader, the time since the remark was sent is kept. */
function take(reader: { seq: number }, text: string, isTimed: boolean): void {
  for (const [, seq, sent] of text.matchAll(/"seq":(\d+),"kind":"message".*?"text":"(\d+)/g)) {
    if (reader.seq !== 0 && Number(seq) !== reader.seq + 1) faults += 1;
    reader.seq = Number(seq);
    deliveries += 1;
    if (isTimed) latencies.push(Date.now() - Number(sent));
  }
}

async function writer(agent: Agent, n: number): Promise<string> {
  const { token } = (await post(agent, "/api/session", { nickname: `writer ${n}` })) as { token: string };
  await post(agent, `/api/rooms/${room}/enter`, { token });
  return token;
}

/** Open loop: a remark is sent when its time has come, whether or not the one before was answered. */
async function speak(agent: Agent, tokens: string[]): Promise<number[]> {
  const sent: Promise<unknown>[] = [];
  const started = performance.now();
  while (sent.length < rate * seconds) {
    const due = Math.floor(((performance.now() - started) / 1000) * rate);
    while (sent.length < Math.min(due, rate * seconds)) {
      const id = `${room}-${sent.length}`;
      const text = `${Date.now()} ${"x".repeat(86)}`;
      sent.push(post(agent, `/api/rooms/${room}/messages`, { id, text, token: tokens[sent.length % tokens.length] }));
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const receipts = (await Promise.all(sent)) as { event: { seq: number } }[];
  return receipts.map((receipt) => receipt.event.seq);
}

function post(agent: Agent, path: string, value: object): Promise<unknown> {
  const body = JSON.stringify(value);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sending = request(`${server.url}${path}`, { agent, method: "POST", headers }, async (response) => {
      let text = "";
      for await (const part of response.setEncoding("utf8")) text += part;
      if ((response.statusCode ?? 500) < 300) resolve(JSON.parse(text));
      else reject(new Error(`${path}: ${response.statusCode} ${text}`));
    });
    sending.once("error", reject).end(body);
  });
}

async function until(isSo: () => boolean, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!isSo() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** [proc(5)] utime and stime in ticks of 10 ms, resident pages of 4 KiB. */
function usage(child: ChildProcess): { cpuSeconds: number; rssMb: number } {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
    rssMb: Math.round((Number(fields[21]) * 4096) / 1e6),
  };
}
