import { type ChildProcess, spawn } from "node:child_process";
import type { DatabaseUser } from "./user.ts";

/**
 * Stops the process `pid`, which runs as `user`, by SIGINT when this process ends, whatever ends
 * it. Returns the shell that does so: it waits for the end of a pipe, which the system closes even
 * after a kill -9. End the shell when the process `pid` has ended.
 */
export function stopWithParent(pid: number, user: DatabaseUser): ChildProcess | undefined {
  if (process.platform === "win32") return undefined;
  const shell = spawn("/bin/sh", ["-c", 'read -r _; kill -INT "$1"', "sh", String(pid)], {
    ...user,
    env: {},
    cwd: "/",
    stdio: ["pipe", "ignore", "ignore"],
    // Ctrl-C in the terminal must not reach it.
    detached: true,
  });
  // Without a shell, the next start stops the server.
  shell.on("error", () => undefined);
  shell.stdin?.on("error", () => undefined);
  shell.unref();
  // [Bun 1.4] A pipe has no unref() there, and keeps no process alive.
  (shell.stdin as unknown as { unref?(): void } | null)?.unref?.();
  return shell;
}
