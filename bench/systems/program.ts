import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/**
 * A running program. `firstLine` of its output means that it is up. `ended` resolves when it has
 * ended.
 */
export type Program = {
  pid: number;
  firstLine: Promise<string>;
  /** Resolves with the match of the pattern's group in the program's output. */
  said(pattern: RegExp): Promise<string>;
  ended: Promise<void>;
  stop(): Promise<void>;
  /** As a crash ends it. */
  kill(): Promise<void>;
};

/** Runs a program, and all it starts, on that core. */
export function runProgram(core: number | undefined, command: string[], env = process.env): Program {
  const [file, ...args] = core !== undefined && existsSync(TASKSET) ? [TASKSET, "-c", `${core}`, ...command] : command;
  const child = spawn(file as string, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve, reject) => child.once("exit", () => resolve()).once("error", reject));
  const stopAtExit = () => child.kill("SIGTERM");
  process.once("exit", stopAtExit); // A bench that fails leaves nothing running
  child.once("exit", () => process.off("exit", stopAtExit));
  const lines = createInterface(child.stdout);
  const firstLine = new Promise<string>((resolve, reject) => {
    lines.once("line", resolve);
    ended.then(() => reject(new Error(`${command.join(" ")} ended before it was up`)), reject);
  });
  firstLine.catch(() => {}); // Of a program that prints nothing, nobody waits for a line
  return {
    pid: child.pid as number, // Of the program, which `taskset` becomes
    firstLine,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        lines.on("line", (line) => {
          const found = pattern.exec(line)?.[1];
          if (found !== undefined) resolve(found);
        });
        ended.then(() => reject(new Error(`${command.join(" ")} ended`)), reject);
      }),
    ended,
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
    kill() {
      child.kill("SIGKILL");
      return ended;
    },
  };
}

/** Runs a server of this folder in Node. */
export function runNode(core: number | undefined, file: string): Program {
  return runProgram(core, [process.execPath, "--import", "tsx", fileURLToPath(new URL(file, import.meta.url))]);
}

const TASKSET = "/usr/bin/taskset";
