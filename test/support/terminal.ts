import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "@jest/globals";
import xterm from "@xterm/headless";
import { until } from "./until.ts";

/** A program at a terminal of 24 lines of 80 columns, and somebody who types. */
export type Terminal = {
  /** Presses keys, as the bytes they send. */
  press(keys: string): void;
  /** What stands on the screen. */
  screen(): string;
  /** Waits until that fits a pattern, and gives it. */
  shows(pattern: RegExp, patienceMs?: number): Promise<string>;
  close(): Promise<void>;
};

/** A test with a program; counted as skipped, in words, where it is not installed. */
export function programTest(program: string): typeof test {
  if (isInstalled(program) && isInstalled("script")) return test;
  if (process.env.CHATTERA_REQUIRE_BROWSER)
    throw new Error(`CHATTERA_REQUIRE_BROWSER is set and ${program} is missing`);
  const skip = (name: string, work: () => void, timeout?: number) =>
    test.skip(`${name} (skipped: no ${program} found)`, work, timeout);
  return Object.assign(skip, test) as typeof test;
}

/** Starts a program, which gets a home of its own, at a pseudo-terminal that util-linux's `script` makes. */
export function openTerminal(command: string[]): Terminal {
  const home = mkdtempSync(join(tmpdir(), "chattera-home-"));
  const terminal = new xterm.Terminal({ rows: 24, cols: 80, allowProposedApi: true });
  const line = `stty rows 24 cols 80; exec ${command.map((word) => `'${word}'`).join(" ")}`;
  const env = { PATH: process.env.PATH, HOME: home, TERM: "xterm", LANG: "C.UTF-8", SHELL: "/bin/sh" };
  const child = spawn("script", ["-qfec", line, "/dev/null"], { cwd: home, env, stdio: ["pipe", "pipe", "ignore"] });
  const closed = once(child, "close");
  child.stdout.on("data", (bytes: Buffer) => terminal.write(bytes));
  child.stdin.on("error", () => undefined);
  // some programs ask the terminal what it is, and wait for the answer
  terminal.onData((answer) => child.stdin.write(answer));

  return {
    press: (keys) => {
      child.stdin.write(keys);
    },
    screen,
    shows: async (pattern, patienceMs = 10_000) => {
      await until(`${command[0]} shows ${pattern}`, () => pattern.test(screen()), patienceMs).catch((error: Error) => {
        throw new Error(`${error.message}; it shows\n${screen()}`);
      });
      return screen();
    },
    close: async () => {
      // the program's terminal goes with `script`, and the program with its terminal
      child.kill("SIGTERM");
      await closed;
      terminal.dispose();
      rmSync(home, { recursive: true, force: true });
    },
  };

  function screen(): string {
    const { active } = terminal.buffer;
    return Array.from({ length: 24 }, (_, row) =>
      active
        .getLine(active.baseY + row)
        ?.translateToString(true)
        .trimEnd(),
    ).join("\n");
  }
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(":").some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
