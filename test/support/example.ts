import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A program of examples/ that runs. */
export type Example = {
  /** Returns everything that it has printed. */
  printed(): string;
  /** Asks it to end, and returns its exit code. */
  end(): Promise<number | null>;
};

/** Environment variables, and the folder of a copy of the examples. */
type ExampleSettings = { [name: string]: string } & { folder?: string };

const running = new Set<ChildProcess>();

/** Ends the programs that a failed test left; for afterAll. */
export async function endExamples(): Promise<void> {
  for (const child of running) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

/** Runs a program of examples/ as its README does, or a copy of it elsewhere. */
export function runExample(
  file: string,
  args: string[] = [],
  { folder = "examples", ...settings }: ExampleSettings = {},
): Example {
  const { NODE_OPTIONS: _jest, ...environment } = process.env;
  const child = spawn(process.execPath, [join(folder, file), ...args], { env: { ...environment, ...settings } });
  running.add(child);
  child.once("exit", () => running.delete(child));
  let printed = "";
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
    return child.exitCode;
  };
  return { printed: () => printed, end };
}
