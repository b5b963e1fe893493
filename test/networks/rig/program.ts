import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../support/until.ts";
import type { Running } from "./network.ts";

/** How a real program is started in a folder of its own, at a port of its own, in the foreground. */
export type Program = {
  path: string;
  /** Its files by name, and its arguments. */
  files: { [name: string]: string };
  args: string[];
};

/** Starts a program and waits until it takes connections. */
export async function startProgram(describe: (at: { folder: string; port: number }) => Program): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), "chattera-network-"));
  const port = await freePort();
  const { path, files, args } = describe({ folder, port });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  chmodSync(folder, 0o777); // started by root, some of them give root up
  // A process group of its own, so that its children end with it.
  const { XDG_CONFIG_HOME: _, XDG_DATA_HOME: _data, ...environment } = process.env;
  const env = { ...environment, HOME: folder }; // Caddy keeps notes there
  const child = spawn(path, args, { cwd: folder, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const pipe of [child.stdout, child.stderr])
    pipe?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4_000);
    });
  if (running.size === 0) process.once("exit", killAll);
  running.add(child);
  const close = async () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", killAll);
    const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
    killGroup(child);
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await until(`${path} answers`, () => child.exitCode !== null || answers(port), 20_000);
    if (child.exitCode !== null) throw new Error(`${path} ended with ${child.exitCode}`);
  } catch (error) {
    await close();
    throw new Error(`${error instanceof Error ? error.message : error}: ${said}`);
  }
  return { url: `http://127.0.0.1:${port}`, close };
}

/** Whether a program is installed here. */
export function isInstalled(path: string): boolean {
  return existsSync(path);
}

const running = new Set<ChildProcess>();

/** Whoever is interrupted takes its programs with it. */
function killAll(): void {
  for (const child of running) killGroup(child);
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    // All of them have ended already.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
    async (response) => {
      await response.body?.cancel();
      return true;
    },
    () => false,
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
