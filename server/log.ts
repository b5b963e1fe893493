import { type Logger, pino } from "pino";

export type { Logger };

/** Logs JSON lines to stdout, without nicknames, messages, tokens and query strings. */
export function createLog(level: string): Logger {
  return pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime });
}
