import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** The outcome of a command: its exit code, and the text and the bytes that it printed. */
export type CommandOutcome = { code: number | null; out: string; err: string; bytes: Buffer };

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Runs a command of `chattera` with these settings and this standard input, and waits until it has
 * ended.
 */
export async function runCommand(
  args: string[],
  settings: { [name: string]: string } = {},
  input?: Buffer,
): Promise<CommandOutcome> {
  const { NODE_OPTIONS: _jest, ...environment } = process.env;
  const child = spawn(process.execPath, ["--import", "tsx", "server/process/cli.ts", ...args], {
    cwd: ROOT,
    env: { ...environment, ...settings },
  });
  const parts: Buffer[] = [];
  let err = "";
  child.stdout.on("data", (part: Buffer) => parts.push(part));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  // A command that needs no input closes it.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  await once(child, "close");
  const bytes = Buffer.concat(parts);
  return { code: child.exitCode, out: String(bytes), err, bytes };
}
