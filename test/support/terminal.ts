import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "@jest/globals";
import xterm from "@xterm/headless";
import { until } from "./until.ts";

/** A program in a terminal of 24 lines and 80 columns. */
export type Terminal = {
  /** Sends the bytes of pressed keys. */
  press(keys: string): void;
  /** Returns the text on the screen. */
  screen(): string;
  /** Waits until the screen matches a pattern. Resolves with its text. */
  shows(pattern: RegExp, patienceMs?: number): Promise<string>;
  close(): Promise<void>;
};

/**
 * Returns `test` for a program. It skips, with the reason in the name, if the program is missing.
 */
export function programTest(program: string): typeof test {
  if (isInstalled(program) && isInstalled("script")) return test;
  if (process.env.TEST_REQUIRE_BROWSER) throw new Error(`TEST_REQUIRE_BROWSER is set and ${program} is missing`);
  const skip = (name: string, work: () => void, timeout?: number) =>
    test.skip(`${name} (skipped: no ${program} found)`, work, timeout);
  return Object.assign(skip, test) as typeof test;
}

/** Starts a program with its own home, in a pseudo-terminal of util-linux's `script`. */
export function openTerminal(command: string[]): Terminal {
  const home = mkdtempSync(join(tmpdir(), "chattera-home-"));
  const terminal = new xterm.Terminal({ rows: 24, cols: 80, allowProposedApi: true });
  const line = `stty rows 24 cols 80; exec ${command.map((word) => `'${word}'`).join(" ")}`;
  const env = { PATH: process.env.PATH, HOME: home, TERM: "xterm", LANG: "C.UTF-8", SHELL: "/bin/sh" };
  const child = spawn("script", ["-qfec", line, "/dev/null"], { cwd: home, env, stdio: ["pipe", "pipe", "ignore"] });
  const closed = once(child, "close");
  child.stdout.on("data", (bytes: Buffer) => terminal.write(bytes));
  child.stdin.on("error", () => undefined);
  // Some programs query the terminal and wait for its answer.
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
      // Ending `script` closes the terminal, which ends the program.
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
