import { z } from "zod";
import { CLIENT_ID, NONCE } from "../protocol/limits.ts";
import { REFUSALS, type Refusal, type RefusalCode, refuse } from "./refusal.ts";

// The fields of which the requests in requests.ts and keeping-requests.ts are made. In a form, a
// query and a path every value is a text, so numbers and choices are read from texts as well.
//
// The message of a schema follows the name of its field, as in "limit: a whole number from 1 to
// 200". A message that is the code of a refusal stands for that refusal.

/** A text of any content. */
export const textSchema = z.string("a string");

/** Returns the schema of a text without which a request is refused with `code`. */
export function textOr(code: RefusalCode) {
  return z.string({ error: ({ input }) => (input === undefined ? code : "a string") }).min(1, code);
}

/** A text that a program has made, which may be a number in JSON. */
export const looseTextSchema = z.preprocess(looseTextIn, z.string("a text"));

function looseTextIn(value: unknown): unknown {
  return typeof value === "number" ? String(value) : value;
}

/** A choice between yes and no. A number is none: 0 may mean a field that has no value. */
export const choiceSchema = z.preprocess(choiceIn, z.boolean("true or false"));

/** Reads a choice from a text. Leaves anything else as it is. */
function choiceIn(value: unknown): unknown {
  if (value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  return value;
}

/** Returns the schema of a whole number in a range. */
export function whole(min: number, max: number, problem = `a whole number from ${min} to ${max}`) {
  return z.preprocess(numberIn, z.int(problem).min(min, problem).max(max, problem));
}

/**
 * Reads a number from a text. One number has one spelling: digits without a sign, a point or an
 * exponent.
 */
function numberIn(value: unknown): unknown {
  return typeof value === "string" ? (/^\d{1,16}$/.test(value) ? Number(value) : Number.NaN) : value;
}

/** The seq of an event: 1, 2, 3… in a room. Also the number of anything else. */
export const seqSchema = whole(1, Number.MAX_SAFE_INTEGER);

/** The seq of the message that a message answers. */
export const replySchema = whole(1, Number.MAX_SAFE_INTEGER, "the seq of a message");

const OF_CLIENT_ID = "8 to 64 of A-Z a-z 0-9 _ -";

/** A key of the sender's for one message or change, by which a resend is recognized. */
export const clientIdSchema = z.string(OF_CLIENT_ID).regex(CLIENT_ID, OF_CLIENT_ID);

/** The color of a nickname. */
export const colorSchema = z.string("#rrggbb").regex(/^#[0-9a-fA-F]{6}$/, "#rrggbb");

/** Makes a request unique, and is returned in its answer. */
export const nonceSchema = nonce("1 to 64 of A-Z a-z 0-9 . _ ~ -");

/** Returns the schema of a nonce. */
export function nonce(problem: string) {
  return z.preprocess(looseTextIn, z.string(problem).regex(NONCE, problem));
}

const OF_A_CALLBACK = "a JavaScript name";

/** The function that a script calls. */
export const callbackSchema = z
  .string(OF_A_CALLBACK)
  .regex(/^[A-Za-z_$][\w$]{0,63}(\.[A-Za-z_$][\w$]{0,63}){0,3}$/, OF_A_CALLBACK);

/**
 * Returns what a schema reads. Throws the refusal of the first problem: `malformed`, unless the
 * schema names another one.
 */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(value);
  if (error) throw refusalOf(error);
  return data as z.output<Schema>;
}

function refusalOf({ issues }: z.ZodError): Refusal {
  const { path, message } = issues[0] as z.core.$ZodIssue;
  if (message in REFUSALS) return refuse(message as RefusalCode);
  return refuse("malformed", path.length === 0 ? message : `${String(path[0])}: ${message}`);
}
