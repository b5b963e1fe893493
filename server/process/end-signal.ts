import cluster from "node:cluster";

/**
 * Ends this process at SIGTERM or SIGINT, until endSignal() is called. Without a listener the
 * process would end as well, but not by exit(), which stops an embedded PostgreSQL; and as a
 * container's first process it would not end at all.
 */
export function endAtSignal(): void {
  process.on("SIGTERM", exit);
  process.on("SIGINT", exit);
}

/** Uses the exit code of a shell: 128 and the signal's number. */
function exit(_name: string, number: number): void {
  process.exit(128 + number);
}

/** How often a process that npm or npx started checks that its parent is alive. */
const PARENT_MS = 500;

/**
 * Resolves when this process is to end: at SIGTERM or SIGINT, at the end of the primary of which it
 * is a worker, or, with `followsParent`, at the end of its parent. The shell that npm puts in
 * between dies of a signal and does not pass it on.
 */
export function endSignal({ followsParent }: { followsParent: boolean }): Promise<void> {
  return new Promise((resolve) => {
    // These listeners stay: a second Ctrl-C must not kill a process that is draining.
    process.on("SIGTERM", resolve);
    process.on("SIGINT", resolve);
    // Not before: between two listeners Node would drop the signal, and one that came then would be
    // lost.
    process.off("SIGTERM", exit);
    process.off("SIGINT", exit);
    process.once("disconnect", resolve);
    // Without this, Node ends a worker as soon as its primary ends.
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
    if (!followsParent) return;
    const parent = process.ppid;
    setInterval(() => process.ppid === parent || resolve(), PARENT_MS).unref();
  });
}
