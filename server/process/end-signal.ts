import cluster from "node:cluster";
import { constants, readFileSync, readlinkSync } from "node:fs";

/** [fcntl.h] O_ACCMODE */
const ACCESS_MODE = 3;

/**
 * The signals that end a process, SIGHUP among them: a terminal that was closed or a connection
 * that was lost. A program that was started by nohup ignores it.
 */
const SIGNALS: NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGQUIT"];
if (isHangUpIgnored()) process.on("SIGHUP", () => undefined);
else SIGNALS.push("SIGHUP");

/**
 * Node resets the signals that its parent ignores, but what else nohup does remains visible [nohup
 * of GNU coreutils]. On a terminal it opens /dev/null for writing in place of the input, and
 * nohup.out in place of the output. Bash and zsh leave the program that they started in the
 * variable `_`.
 */
function isHangUpIgnored(): boolean {
  try {
    const flags = /^flags:\s*(\d+)/m.exec(readFileSync("/proc/self/fdinfo/0", "utf8"))?.[1] ?? "";
    const isWrittenTo = (Number.parseInt(flags, 8) & ACCESS_MODE) === constants.O_WRONLY;
    return (
      (isWrittenTo && readlinkSync("/proc/self/fd/0") === "/dev/null") ||
      readlinkSync("/proc/self/fd/1").endsWith("/nohup.out") ||
      /(^|\0)_=[^\0]*\/nohup(\0|$)/.test(readFileSync("/proc/self/environ", "utf8"))
    );
  } catch {
    return false;
  }
}

/**
 * Ends this process at one of the signals, until endSignal() is called. Without a listener the
 * process would end as well, but not by exit(), which stops an embedded PostgreSQL; and as a
 * container's first process it would not end at all.
 */
export function endAtSignal(): void {
  for (const signal of SIGNALS) process.on(signal, exit);
}

/** Uses the exit code of a shell: 128 and the signal's number. */
function exit(_name: string, number: number): void {
  process.exit(128 + number);
}

/** How often a process that npm or npx started checks that its parent is alive. */
const PARENT_MS = 500;

/**
 * Resolves when this process is to end: at one of the signals, at the end of the primary of which
 * it is a worker, or, with `followsParent`, at the end of its parent. The shell that npm puts in
 * between dies of a signal and does not pass it on.
 */
export function endSignal({ followsParent }: { followsParent: boolean }): Promise<void> {
  return new Promise((resolve) => {
    // These listeners stay: a second Ctrl-C must not kill a process that is draining.
    for (const signal of SIGNALS) process.on(signal, resolve);
    // Not before: between two listeners Node would drop the signal, and one that came then would be
    // lost.
    for (const signal of SIGNALS) process.off(signal, exit);
    process.once("disconnect", resolve);
    // Without this, Node ends a worker as soon as its primary ends.
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
    if (!followsParent) return;
    const parent = process.ppid;
    setInterval(() => process.ppid === parent || resolve(), PARENT_MS).unref();
  });
}
