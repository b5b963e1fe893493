import type { Reading, Transport } from "./transport.ts";

/** One connection, and what it has brought so far. */
export type Link = {
  transport: Transport;
  /** The stream's place on the ladder. */
  rung: number;
  reading: Reading;
  /**
   * The cursors that it continues: those that it asked with, or else the first that it was given.
   */
  asked: string[];
  openedAt: number;
  heardAt: number;
  /** 0 until it said hello. */
  helloAt: number;
  /** How often it said it would ping, in milliseconds; 0 if it does not. */
  pingMs: number;
  /** Its rooms, and the inboxes there. */
  logs: string[];
  /**
   * The last seq that it has shown, or that was known when it began, by the position of the log in
   * `logs`.
   */
  shown: number[];
  /** It brought something new. */
  isNew: boolean;
  /** An event that it brought had come by a poll long before. */
  isBehind: boolean;
  isOver: boolean;
  /** When it was last confirmed. Opening it was a request. */
  confirmedAt: number;
  /** Closes it; the session's. */
  hangUp?: () => void;
};

/** Notes that a link has shown this seq. */
export function show(link: Link, log: string, seq: number): void {
  for (let i = 0; i < link.shown.length; i++) if (link.logs[i] === log) link.shown[i] = seq;
}

/**
 * Returns the last seq of a log that a link has shown, or that was known when it began; -1 if it
 * does not read it.
 */
export function shownBy(link: Link, log: string): number {
  for (let i = 0; i < link.shown.length; i++) if (link.logs[i] === log) return link.shown[i] as number;
  return -1;
}
