import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A chattera in its own process, as an operator starts it. */
export type SiteProcess = {
  url: string;
  pid: number;
  /** Returns its output so far, of stdout and stderr. */
  said(): string;
  /**
   * Sends a signal and returns the exit code once the process has ended (`null`: by the signal).
   */
  kill(signal: NodeJS.Signals): Promise<number | null>;
};

/**
 * Kills the processes that a failed test left. For afterAll, since Jest does not end while a child
 * lives.
 */
export async function endSites(): Promise<void> {
  for (const child of children) {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
    child.kill("SIGKILL");
    await ended;
  }
  children.clear();
}

const children = new Set<ChildProcess>();

type Settings = { [name: string]: string };

/**
 * Starts `chattera serve` on a database and waits until it prints its URL. `files` limits its open
 * files.
 */
export async function startSite(databaseUrl: string, settings: Settings = {}, files?: number): Promise<SiteProcess> {
  const limit = files === undefined ? [] : ["sh", "-c", `ulimit -n ${files} && exec "$@"`, "sh"];
  const { child, said } = spawnSite(databaseUrl, settings, limit);
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr?.on("data", () => {
      const found = /chattera is at (\S+)/.exec(said())?.[1];
      if (found) resolve(found.replace("localhost", "127.0.0.1"));
    });
    child.once("exit", (code) => reject(new Error(`chattera ended with ${code}: ${said()}`)));
  });
  return {
    url,
    pid: child.pid as number,
    said,
    kill: async (signal) => {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

/** Starts one that is expected to fail. Returns its exit code and its output. */
export async function runSite(
  databaseUrl: string,
  settings: Settings = {},
): Promise<{ code: number | null; said: string }> {
  const { child, said } = spawnSite(databaseUrl, settings);
  await once(child, "close");
  return { code: child.exitCode, said: said() };
}

/** Returns the pids in the "serving" lines of the log, in order. */
export function workerPids(site: SiteProcess): number[] {
  return [...site.said().matchAll(/"pid":(\d+).*"msg":"serving"/g)].map((match) => Number(match[1]));
}

/** Starts one without waiting for it, maybe by a command that gets its command line. */
export function spawnSite(
  databaseUrl: string,
  settings: Settings,
  starter: string[] = [],
): { child: ChildProcess; said: () => string } {
  const { NODE_OPTIONS: _jest, ...environment } = process.env;
  const command = [...starter, process.execPath, "--import", "tsx", CLI, "serve"];
  const child = spawn(command[0] as string, command.slice(1), {
    cwd: ROOT,
    env: {
      ...environment,
      DATABASE_URL: databaseUrl,
      HOST: "127.0.0.1",
      PORT: "0",
      CHATTERA_LIMITS: "off",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const pipe of [child.stdout, child.stderr])
    pipe.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  children.add(child);
  return { child, said: () => said };
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CLI = "server/process/cli.ts";
