import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile, rename, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { StartError } from "../start-error.ts";
import { superuserUrl } from "./chat-url.ts";
import type { Cluster } from "./cluster.ts";
import { failureOf } from "./failure.ts";
import { stopWithParent } from "./parent-watch.ts";
import { PROGRAM_ENV, programPath, runProgram } from "./programs.ts";
import { settingsFor } from "./settings.ts";

/** A PostgreSQL server that is restarted on the same port when it dies, until it is stopped. */
export type DatabaseServer = { port: number; stop(): Promise<void> };

/** A server to start. `prepare` runs with a superuser's connection before any other connection. */
export type ServerPlan = {
  cluster: Cluster;
  settings: Record<string, string>;
  report(line: string): void;
  prepare(superuser: pg.Client): Promise<void>;
};

type ServerProcess = { child: ChildProcess; port: number; ended: Promise<void> };

/** Starts the server on a free port of 127.0.0.1. */
export async function runServer(plan: ServerPlan): Promise<DatabaseServer> {
  let isStopping = false;
  let current = await launch(plan);
  const watch = async () => {
    for (await current.ended; !isStopping; await current.ended) {
      plan.report(`PostgreSQL ended unexpectedly (see ${logOf(plan.cluster)}); starting it again.`);
      await launch(plan, current.port).then(
        (next) => {
          current = next;
          if (isStopping) halt(current, plan.cluster);
        },
        (error: Error) => {
          plan.report(error.message);
          return wait(RESTART_PAUSE_MS);
        },
      );
    }
  };
  const watched = watch();
  return {
    port: current.port,
    stop() {
      if (!isStopping) halt(current, plan.cluster);
      isStopping = true;
      return watched;
    },
  };
}

/**
 * Pause between two attempts to restart a server that cannot start, for example with a full disk.
 */
const RESTART_PAUSE_MS = 2_000;

/**
 * Just after a crash, old processes may still hold the data. The longest seen was under a second.
 */
const RETRY_FOR_MS = 10_000;

const IS_WORTH_A_RETRY = /pre-existing shared memory block|lock file "postmaster.pid" already exists|could not bind/;

async function launch(plan: ServerPlan, port?: number): Promise<ServerProcess> {
  const { cluster, prepare } = plan;
  for (const deadline = Date.now() + RETRY_FOR_MS; ; await wait(100)) {
    const { output, ...server } = await spawnServer(plan, port ?? (await freePort()));
    if (await isPrepared(server, cluster, prepare)) {
      // A chattera that has nothing more to do may end.
      server.child.unref();
      return server;
    }
    const text = await output();
    if (!IS_WORTH_A_RETRY.test(text) || Date.now() > deadline) throw failureOf(text, cluster.folder);
  }
}

/** Returns `false` if the server ended. After any other failure, stops it and throws. */
async function isPrepared(server: ServerProcess, cluster: Cluster, prepare: ServerPlan["prepare"]): Promise<boolean> {
  try {
    const superuser = await connectWhenReady(server, cluster.password);
    if (superuser) await prepare(superuser).finally(() => superuser.end());
    return superuser !== undefined;
  } catch (error) {
    halt(server, cluster);
    await server.ended;
    throw error;
  }
}

async function spawnServer(
  { cluster, settings }: ServerPlan,
  port: number,
): Promise<ServerProcess & { output: () => Promise<string> }> {
  const log = await open(await openLogFile(cluster), "a", 0o600);
  const { size } = await log.stat();
  const options = Object.entries({ ...settingsFor(cluster.programs.major), ...settings, port }).flatMap(
    ([name, value]) => ["-c", `${name}=${value}`],
  );
  const child = spawn(programPath(cluster.programs, "postgres"), ["-D", cluster.pgData, ...options], {
    ...cluster.user,
    env: PROGRAM_ENV,
    cwd: "/",
    stdio: ["ignore", log.fd, log.fd],
    // In a process group of its own, Ctrl-C in the terminal reaches chattera only, which stops the
    // server last.
    detached: true,
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
  const shell = child.pid === undefined ? undefined : stopWithParent(child.pid, cluster.user);
  void ended.then(() => {
    process.off("exit", stopAtExit);
    shell?.kill("SIGKILL");
  });
  await log.close();
  const output = async () => failure + (await readFile(logOf(cluster))).subarray(size).toString();
  return { child, port, ended, output };
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

/** Returns the path of the log. A log of 5 MB is renamed, and the one before it is deleted. */
async function openLogFile(cluster: Cluster): Promise<string> {
  const log = logOf(cluster);
  const size = await stat(log).then(
    (found) => found.size,
    () => 0,
  );
  if (size > 5_000_000) await rename(log, `${log}.old`);
  return log;
}

/**
 * Returns the first connection that the server accepts, or `undefined` if the server ends. Recovery
 * after a crash may take long, so there is no timeout.
 */
async function connectWhenReady({ port, ended }: ServerProcess, password: string): Promise<pg.Client | undefined> {
  let isAlive = true;
  const gone = ended.then(() => {
    isAlive = false;
  });
  const url = superuserUrl(password, port);
  while (isAlive) {
    const client = new pg.Client(url);
    // If the server ends, the query that waits for it fails.
    client.on("error", () => {});
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

/** The server does not listen yet, is starting up, or is shutting down. */
const NOT_YET = /ECONNREFUSED|ECONNRESET|EPIPE|57P03|terminated/;

/**
 * SIGINT disconnects the clients and writes everything to disk. SIGTERM would wait until the
 * clients disconnect.
 */
function halt({ child, ended }: ServerProcess, cluster: Cluster): void {
  child.ref();
  // [Windows] There is no SIGINT: kill() would be a crash.
  if (process.platform === "win32") void runProgram(cluster, "pg_ctl", ["stop", "-D", cluster.pgData, "-m", "fast"]);
  else child.kill("SIGINT");
  const killing = setTimeout(() => child.kill("SIGQUIT"), 30_000);
  void ended.then(() => clearTimeout(killing));
}
