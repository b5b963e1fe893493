import { causeOf } from "../outage.ts";

/**
 * [SQLSTATE] Every error of the database has one. Those of the system, like EPIPE, look different.
 */
const SQLSTATE = /^(?=.{5}$)(\d|F0|HV|P0|XX)[0-9A-Z]+$/;

/** Errors of knex without a code, with the statement before them. */
const KNEX = / - (Query read timeout|Connection terminated|timeout expired)/;

/**
 * Returns an error as the operator of a command reads it: one sentence without the statement that
 * failed, which knex puts before the database's own words. An error of ours is returned with its
 * stack.
 */
export function sentenceOf(error: Error & { code?: unknown }): string {
  if (error instanceof TypeError || error instanceof ReferenceError) return error.stack ?? error.message;
  if (SQLSTATE.test(String(error.code)) || KNEX.test(error.message))
    return `The database could not do this (${causeOf(error)}): see its log for more.`;
  return oneLine(error.message || String(error.code ?? error));
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, " ");
}
