import cluster from "node:cluster";

/**
 * Has SIGTERM and SIGINT end this process at once, until endSignal() is asked for. Without a listener it would end as
 * well, but not by exit(), at which an embedded PostgreSQL is stopped; and as a container's first process not at all.
 */
export function endAtSignal(): void {
  process.on("SIGTERM", exit);
  process.on("SIGINT", exit);
}

/** As a shell says it: 128 and the signal's number. */
function exit(_name: string, number: number): void {
  process.exit(128 + number);
}

/** How often a process that npm or npx started looks for its parent. */
const PARENT_MS = 500;

/**
 * Resolves when this process is told to end: by SIGTERM or SIGINT, by the end of the primary it is a worker of, or,
 * under npm, by the end of its parent: the shell that npm puts in between dies of a signal and does not pass it on.
 */
export function endSignal(): Promise<void> {
  return new Promise((resolve) => {
    // heard for good: a second Ctrl-C must not kill what is draining
    process.on("SIGTERM", resolve);
    process.on("SIGINT", resolve);
    // not before: between two listeners Node would let go of the signal, and one that came then would be lost
    process.off("SIGTERM", exit);
    process.off("SIGINT", exit);
    process.once("disconnect", resolve);
    // without it Node ends a worker in the moment its primary does
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
    if (process.env.npm_lifecycle_event === undefined) return;
    const parent = process.ppid;
    setInterval(() => process.ppid === parent || resolve(), PARENT_MS).unref();
  });
}
