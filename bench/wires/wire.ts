import type { ServerAnswer } from "../connections.ts";

/** Makes a poller's request, or anything else that it sends, from these values. */
export type Fill = (values?: { [name: string]: string }) => string;

/** One poller: returns its next request, given the answer to the one before. */
export type Wire = (answer?: ServerAnswer) => string;
