/** The numbers of lines that a reader can choose. */
export const LINE_CHOICES = [20, 50, 100, 200];

/**
 * How a reader wants to read a log: with the newest line on top, and with a number of messages, 0
 * if they leave that to the page.
 */
export type LogChoice = { isNewestOnTop: boolean; lines: number };
