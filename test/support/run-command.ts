import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** The outcome of a command: its exit code, and what it printed. */
export type CommandOutcome<Out = string> = { code: number | null; out: Out; err: string };

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a command of `chattera` with these settings, and waits until it has ended. */
export async function runCommand(
  args: string[],
  settings: { [name: string]: string } = {},
  input?: Buffer,
): Promise<CommandOutcome> {
  const { code, out, err } = await runFilter(args, settings, input);
  return { code, out: String(out), err };
}

/** Runs a command that reads standard input, or writes bytes to standard output. */
export async function runFilter(
  args: string[],
  settings: { [name: string]: string },
  input?: Buffer,
): Promise<CommandOutcome<Buffer>> {
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
  return { code: child.exitCode, out: Buffer.concat(parts), err };
}
