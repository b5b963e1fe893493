import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile, rename, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { explain, StartError } from "../start-error.ts";
import type { Cluster } from "./cluster.ts";
import { programEnv, programPath, runProgram } from "./programs.ts";
import { SETTINGS } from "./settings.ts";

/** A PostgreSQL at work, started again on the same port when it dies, until it is stopped. */
export type Server = { port: number; stop(): Promise<void> };

/** What to start: `prepare` gets a superuser's connection before anyone else may come. */
export type Plan = {
  cluster: Cluster;
  settings: Record<string, string>;
  say(line: string): void;
  prepare(superuser: pg.Client): Promise<void>;
};

type Process = { child: ChildProcess; port: number; ended: Promise<void> };

/** Starts the server on a free port of this machine. */
export async function runServer(plan: Plan): Promise<Server> {
  let stopping = false;
  let current = await launch(plan);
  const watch = async () => {
    for (await current.ended; !stopping; await current.ended) {
      plan.say(`PostgreSQL ended unexpectedly (see ${logOf(plan.cluster)}); starting it again.`);
      await launch(plan, current.port).then(
        (next) => {
          current = next;
          if (stopping) halt(current, plan.cluster);
        },
        (error: Error) => {
          plan.say(error.message);
          return wait(RESTART_PAUSE_MS);
        },
      );
    }
  };
  const watched = watch();
  return {
    port: current.port,
    stop() {
      if (!stopping) halt(current, plan.cluster);
      stopping = true;
      return watched;
    },
  };
}

/** Between two attempts to bring back a server that cannot start, as with a full disk. */
const RESTART_PAUSE_MS = 2_000;

/** Just after a crash the old processes may hold the data for a moment; the longest seen was under a second. */
const RETRY_FOR_MS = 10_000;

const WORTH_ANOTHER_TRY = /pre-existing shared memory block|lock file "postmaster.pid" already exists|could not bind/;

async function launch(plan: Plan, port?: number): Promise<Process> {
  const { cluster, prepare } = plan;
  for (const deadline = Date.now() + RETRY_FOR_MS; ; await wait(100)) {
    const { said, ...process } = await spawnServer(plan, port ?? (await freePort()));
    if (await isPrepared(process, cluster, prepare)) {
      process.child.unref(); // a chattera that has nothing more to do may end
      return process;
    }
    const words = await said();
    if (!WORTH_ANOTHER_TRY.test(words) || Date.now() > deadline) throw explain(words, cluster.folder);
  }
}

/** `false` when the server ended by itself; when the failure is ours it is stopped first. */
async function isPrepared(process: Process, cluster: Cluster, prepare: Plan["prepare"]): Promise<boolean> {
  try {
    const superuser = await connectWhenReady(process, cluster.password);
    if (superuser) await prepare(superuser).finally(() => superuser.end());
    return superuser !== undefined;
  } catch (error) {
    halt(process, cluster);
    await process.ended;
    throw error;
  }
}

async function spawnServer(
  { cluster, settings }: Plan,
  port: number,
): Promise<Process & { said: () => Promise<string> }> {
  const log = await open(await freshLog(cluster), "a", 0o600);
  const { size } = await log.stat();
  const options = Object.entries({ ...SETTINGS, ...settings, port }).flatMap(([name, value]) => [
    "-c",
    `${name}=${value}`,
  ]);
  const child = spawn(programPath(cluster.programs, "postgres"), ["-D", cluster.pgData, ...options], {
    ...cluster.user,
    env: programEnv(),
    cwd: "/",
    stdio: ["ignore", log.fd, log.fd],
    detached: true, // a group of its own: Ctrl-C in the terminal is for chattera, which stops the server last
  });
  const stopAtExit = () => child.kill("SIGINT");
  process.once("exit", stopAtExit);
  let failure = "";
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      failure = error.message;
      resolve();
    });
  });
  void ended.then(() => process.off("exit", stopAtExit));
  await log.close();
  return { child, port, ended, said: async () => failure + (await readFile(logOf(cluster))).subarray(size).toString() };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => probe.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

function logOf({ folder }: Cluster): string {
  return join(folder, "postgresql.log");
}

/** 5 MB and as much of the past are kept. */
async function freshLog(cluster: Cluster): Promise<string> {
  const log = logOf(cluster);
  const size = await stat(log).then(
    (found) => found.size,
    () => 0,
  );
  if (size > 5_000_000) await rename(log, `${log}.old`);
  return log;
}

/** The first connection the server accepts; `undefined` when it ended instead. Recovery may take its time. */
async function connectWhenReady({ port, ended }: Process, password: string): Promise<pg.Client | undefined> {
  let alive = true;
  const gone = ended.then(() => {
    alive = false;
  });
  const place = { host: "127.0.0.1", port, database: "postgres", ssl: false };
  while (alive) {
    const client = new pg.Client({ ...place, user: "postgres", password });
    client.on("error", () => {}); // it ends with the server; whoever waits on a query is told
    const refusal = await client.connect().then(() => undefined, refused);
    if (!refusal) return client;
    if (refusal.code === WRONG_PASSWORD) {
      throw new StartError("The file password in the data folder is not this database's: restore it.");
    }
    if (!NOT_YET.test(refusal.code ?? refusal.message)) throw refusal;
    await Promise.race([gone, wait(20)]);
  }
  return undefined;
}

const refused = (error: Error & { code?: string }) => error;

const WRONG_PASSWORD = "28P01";

/** Not listening yet, starting up, or ending again. */
const NOT_YET = /ECONNREFUSED|ECONNRESET|EPIPE|57P03|terminated/;

/** SIGINT breaks the clients' connections and writes all down; SIGTERM would wait for the clients to go. */
function halt({ child, ended }: Process, { programs, pgData, user }: Cluster): void {
  child.ref();
  // [Windows] has no SIGINT to send: kill() would be a crash
  if (process.platform === "win32") void runProgram(programs, "pg_ctl", ["stop", "-D", pgData, "-m", "fast"], user);
  else child.kill("SIGINT");
  const impatience = setTimeout(() => child.kill("SIGQUIT"), 30_000);
  void ended.then(() => clearTimeout(impatience));
}
