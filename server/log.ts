import { type Logger, pino } from "pino";

export type { Logger };

/** One JSON line per happening on stdout. Nicknames, remarks, tokens and query strings are never written. */
export function createLog(level: string): Logger {
  return pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime });
}
