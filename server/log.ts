import { type Logger, pino } from "pino";

export type { Logger };

/** A reader of the log that reads nothing for this long does not delay the end of the process. */
const LAST_FLUSH_MS = 1_000;

/** Lines that wait for a slow reader of the log, in characters. Further lines are dropped. */
const WAITING_LENGTH = 1_000_000;

let endsAt = Number.POSITIVE_INFINITY;

type Destination = ReturnType<typeof pino.destination>;

const destinations = new Set<Destination>();

/**
 * Logs JSON lines to stdout, without nicknames, messages, tokens and query strings. A reader that
 * stops to read delays nothing but the lines.
 */
export function createLog(level: string): Logger {
  const stdout = pino.destination({
    dest: 1,
    sync: false,
    maxLength: WAITING_LENGTH,
    retryEAGAIN: () => performance.now() < endsAt,
  });
  destinations.add(stdout);
  neverWaitForSpace(stdout);
  return pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, stdout);
}

/**
 * Sonic-boom writes its last lines again and again until the disk has space, which would keep a
 * process from ending. Nobody could read about the error.
 */
function neverWaitForSpace(stdout: Destination): void {
  const flushSync = stdout.flushSync.bind(stdout);
  let hasFailed = false;
  stdout.on("error", () => {
    hasFailed = true;
  });
  stdout.on("write", () => {
    hasFailed = false;
  });
  stdout.flushSync = () => {
    if (!hasFailed) flushSync();
  };
}

/**
 * Writes the last lines of a process that is about to end. A full pipe that nobody reads loses them
 * after a second instead of keeping the process.
 */
export function endLog(): void {
  endsAt = performance.now() + LAST_FLUSH_MS;
  for (const destination of destinations) {
    try {
      destination.flushSync();
    } catch {
      // The reader of the log is at fault, and the node has ended well.
      destination.destroy();
    }
  }
}
