import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../support/until.ts";
import type { Running } from "./network.ts";

/** How to start a real program in the foreground, with its own folder and port. */
export type ProxyProgram = {
  path: string;
  /** Files to write, by name. */
  files: { [name: string]: string };
  args: string[];
};

/** Starts a program and waits until it accepts connections. */
export async function startProgram(describe: (at: { folder: string; port: number }) => ProxyProgram): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), "chattera-network-"));
  const port = await freePort();
  const { path, files, args } = describe({ folder, port });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  // Some programs drop root privileges after the start.
  chmodSync(folder, 0o777);
  // A process group of its own, so that its children end with it.
  const { XDG_CONFIG_HOME: _, XDG_DATA_HOME: _data, ...environment } = process.env;
  // Caddy writes to its HOME.
  const env = { ...environment, HOME: folder };
  const child = spawn(path, args, { cwd: folder, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const pipe of [child.stdout, child.stderr])
    pipe?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-4_000);
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
    throw new Error(`${error instanceof Error ? error.message : error}: ${output}`);
  }
  return { url: `http://127.0.0.1:${port}`, close };
}

/** Returns whether a program is installed. */
export function isInstalled(path: string): boolean {
  return existsSync(path);
}

const running = new Set<ChildProcess>();

/** Runs when this process is interrupted. */
function killAll(): void {
  for (const child of running) killGroup(child);
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    // ESRCH: all of them have ended already.
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
