import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** The outcome of a command: its exit code, and what it printed. */
export type CommandOutcome = { code: number | null; out: string; err: string };

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a command of `chattera` with these settings, and waits until it has ended. */
export async function runCommand(args: string[], settings: { [name: string]: string } = {}): Promise<CommandOutcome> {
  const { NODE_OPTIONS: _jest, ...environment } = process.env;
  const child = spawn(process.execPath, ["--import", "tsx", "server/process/cli.ts", ...args], {
    cwd: ROOT,
    env: { ...environment, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.err += text;
  });
  await once(child, "close");
  return { code: child.exitCode, ...said };
}
